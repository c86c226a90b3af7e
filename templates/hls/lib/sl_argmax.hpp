/// Index of the largest element of a pixel, the first of equal ones.
///
///   y = min {c : x[c] = max x},  c < FOLDS*LANES
///
/// In: FOLDS beats of LANES elements a pixel (c = fold*LANES + lane), PIXELS pixels a frame; out
/// one index of OUT_BITS a pixel. IS_SIGNED tells two's complement elements from unsigned ones.
/// Interval: PIXELS*FOLDS clocks a frame.
#ifndef SL_ARGMAX_HPP
#define SL_ARGMAX_HPP

#include "sl_beat.hpp"

namespace sl {

template <int LANES, int FOLDS, int BITS, int OUT_BITS, int IS_SIGNED, int PIXELS>
void argmax(hls::stream<ap_uint<LANES * BITS>>& s, hls::stream<ap_uint<OUT_BITS>>& m) {
  static_assert(LANES >= 1 && FOLDS >= 1 && PIXELS >= 1,
                "sl::argmax: LANES, FOLDS and PIXELS are at least 1");
  static_assert(BITS >= 1 && BITS <= 48, "sl::argmax: BITS is 1 to 48");
  static_assert(OUT_BITS >= 1 && OUT_BITS <= 31 && LANES * FOLDS - 1 <= (1LL << OUT_BITS) - 1,
                "sl::argmax: OUT_BITS hold every index");
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
    std::int64_t best = 0;
    int index = 0;
  folds:
    for (int fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
      std::int64_t x[LANES];
      unpack<LANES, BITS, IS_SIGNED>(s.read(), x);
    lanes:
      for (int lane = 0; lane < LANES; lane++) {
        const bool first = fold == 0 && lane == 0;
        if (first || x[lane] > best) {
          best = x[lane];
          index = fold * LANES + lane;
        }
      }
    }
    m.write(ap_uint<OUT_BITS>(index));
  }
}

}  // namespace sl

#endif
