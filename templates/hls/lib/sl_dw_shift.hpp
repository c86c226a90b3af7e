/// Depthwise unit of shift-and-add elements: each lane one channel, run-time 3-bit QSQ weights.
///
///   m[fold][lane] = bias[fold][lane]
///                 + sum over tap of biased(x[fold][tap][lane], weights[fold*TAPS+tap][lane])
///
/// modulo 2^ACC_BITS, with biased() of sl::mvu_shift, P = X_BITS + 2. The bias carries the
/// correction: plain bias + number of negative codes * (1 - 2^P), or, for signed activations, plain
/// bias + number of negative codes - 2^(P-1)*TAPS.
///
/// Order: PIXELS times FOLDS times TAPS beats of LANES activations a frame; a beat of LANES
/// accumulators leaves after every TAPS. Interval: PIXELS*FOLDS*TAPS clocks a frame.
#ifndef SL_DW_SHIFT_HPP
#define SL_DW_SHIFT_HPP

#include "sl_beat.hpp"
#include "sl_mvu_shift.hpp"

namespace sl {

template <int LANES, int TAPS, int FOLDS, int X_BITS, int X_SIGNED, int ACC_BITS, int PIXELS>
void dw_shift(hls::stream<ap_uint<LANES * X_BITS>>& s, hls::stream<ap_uint<LANES * ACC_BITS>>& m,
              const uword<3> (&weights)[FOLDS * TAPS][LANES],
              const sword<ACC_BITS> (&bias)[FOLDS][LANES]) {
  static_assert(LANES >= 1 && TAPS >= 1 && FOLDS >= 1 && PIXELS >= 1,
                "sl::dw_shift: LANES, TAPS, FOLDS and PIXELS are at least 1");
  static_assert(X_BITS >= 1 && X_BITS <= 16, "sl::dw_shift: X_BITS is 1 to 16");
  static_assert(ACC_BITS >= 1 && ACC_BITS <= 63, "sl::dw_shift: ACC_BITS is 1 to 63");
  uword<ACC_BITS> acc[LANES];
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
        int x[LANES];
        unpack<LANES, X_BITS, X_SIGNED>(s.read(), x);
      lanes:
        for (int lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
          const unsigned product =
              shift_product<X_BITS, X_SIGNED>(x[lane], weights[fold * TAPS + tap][lane]);
          const uword<ACC_BITS> start = tap == 0 ? uword<ACC_BITS>(bias[fold][lane]) : acc[lane];
          acc[lane] = start + product;
        }
        if (tap == TAPS - 1) m.write(pack<LANES, ACC_BITS>(acc));
      }
    }
  }
}

}  // namespace sl

#endif
