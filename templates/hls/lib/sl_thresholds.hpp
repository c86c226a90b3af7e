/// Multi-threshold activation: y = LO + number of thresholds of the channel that x reaches.
///
///   y = LO + #{k : x >= t[fold][lane][k]},  k < 2^OUT_BITS - 1, t ascending in k
///
/// In: FOLDS beats of LANES signed elements of IN_BITS a pixel, PIXELS pixels a frame; out: the
/// same order, the low OUT_BITS of y. A binary search finds one bit of y a level, the most
/// significant first; each level reads the table through a port of its own. Interval:
/// PIXELS*FOLDS clocks a frame.
#ifndef SL_THRESHOLDS_HPP
#define SL_THRESHOLDS_HPP

#include "sl_beat.hpp"

namespace sl {

template <int LANES, int FOLDS, int IN_BITS, int OUT_BITS, int LO, int PIXELS>
void thresholds(hls::stream<ap_uint<LANES * IN_BITS>>& s,
                hls::stream<ap_uint<LANES * OUT_BITS>>& m,
                const sword<IN_BITS> (&t)[FOLDS][LANES][(1 << OUT_BITS) - 1]) {
  static_assert(LANES >= 1 && FOLDS >= 1 && PIXELS >= 1,
                "sl::thresholds: LANES, FOLDS and PIXELS are at least 1");
  static_assert(IN_BITS >= 1 && IN_BITS <= 63, "sl::thresholds: IN_BITS is 1 to 63");
  static_assert(OUT_BITS >= 1 && OUT_BITS <= 12, "sl::thresholds: OUT_BITS is 1 to 12");
#pragma HLS ARRAY_PARTITION variable=t dim=2 complete
#pragma HLS BIND_STORAGE variable=t type=rom_np
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  folds:
    for (int fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
      std::int64_t x[LANES];
      unpack<LANES, IN_BITS, 1>(s.read(), x);
      int y[LANES];
    lanes:
      for (int lane = 0; lane < LANES; lane++) {
        int count = 0;
      levels:
        for (int half = 1 << (OUT_BITS - 1); half > 0; half /= 2) {
          if (x[lane] >= t[fold][lane][count + half - 1]) count += half;
        }
        y[lane] = LO + count;
      }
      m.write(pack<LANES, OUT_BITS>(y));
    }
  }
}

}  // namespace sl

#endif
