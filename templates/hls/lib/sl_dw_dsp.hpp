/// Depthwise unit of multipliers: each lane one channel, integer weights of W_BITS.
///
///   m[fold][lane] = bias[fold][lane]
///                 + sum over tap of weights[fold*TAPS+tap][lane] * x[fold][tap][lane]
///
/// modulo 2^ACC_BITS.
///
/// Order: PIXELS times FOLDS times TAPS beats of LANES activations a frame; a beat of LANES
/// accumulators leaves after every TAPS. Interval: PIXELS*FOLDS*TAPS clocks a frame.
#ifndef SL_DW_DSP_HPP
#define SL_DW_DSP_HPP

#include "sl_beat.hpp"

namespace sl {

template <int LANES, int TAPS, int FOLDS, int X_BITS, int X_SIGNED, int W_BITS, int ACC_BITS,
          int PIXELS>
void dw_dsp(hls::stream<ap_uint<LANES * X_BITS>>& s, hls::stream<ap_uint<LANES * ACC_BITS>>& m,
            const sword<W_BITS> (&weights)[FOLDS * TAPS][LANES],
            const sword<ACC_BITS> (&bias)[FOLDS][LANES]) {
  static_assert(LANES >= 1 && TAPS >= 1 && FOLDS >= 1 && PIXELS >= 1,
                "sl::dw_dsp: LANES, TAPS, FOLDS and PIXELS are at least 1");
  static_assert(X_BITS >= 1 && X_BITS <= 24 && W_BITS >= 1 && W_BITS <= 18,
                "sl::dw_dsp: X_BITS is 1 to 24, W_BITS 1 to 18");
  static_assert(ACC_BITS >= 1 && ACC_BITS <= 48, "sl::dw_dsp: ACC_BITS is 1 to 48");
  sword<ACC_BITS> acc[LANES];
#pragma HLS ARRAY_PARTITION variable=acc complete
#pragma HLS ARRAY_RESHAPE variable=weights dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=bias dim=2 complete
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  folds:
    for (int fold = 0; fold < FOLDS; fold++) {
    taps:
      for (int tap = 0; tap < TAPS; tap++) {
#pragma HLS PIPELINE II=1
        std::int64_t x[LANES];
        unpack<LANES, X_BITS, X_SIGNED>(s.read(), x);
      lanes:
        for (int lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
          const std::int64_t start = tap == 0 ? bias[fold][lane] : acc[lane];
          const std::int64_t sum = start + x[lane] * std::int64_t(weights[fold * TAPS + tap][lane]);
          acc[lane] = static_cast<sword<ACC_BITS>>(sum);
        }
        if (tap == TAPS - 1) m.write(pack<LANES, ACC_BITS>(acc));
      }
    }
  }
}

}  // namespace sl

#endif
