/// A function by its table: y = T[x], one table for all channels or one for each.
///
///   y = t[0][0][x mod 2^IN_BITS], or t[fold][lane][x mod 2^IN_BITS] with PER_CHANNEL
///
/// In: FOLDS beats of LANES values of IN_BITS a pixel, PIXELS pixels a frame; out: the same order,
/// words of OUT_BITS. Interval: PIXELS*FOLDS clocks a frame.
#ifndef SL_TABLE_HPP
#define SL_TABLE_HPP

#include "sl_beat.hpp"

namespace sl {

template <int LANES, int FOLDS, int IN_BITS, int OUT_BITS, int PER_CHANNEL, int PIXELS>
void table(hls::stream<ap_uint<LANES * IN_BITS>>& s, hls::stream<ap_uint<LANES * OUT_BITS>>& m,
           const uword<OUT_BITS> (&t)[PER_CHANNEL ? FOLDS : 1][PER_CHANNEL ? LANES : 1]
                                     [1 << IN_BITS]) {
  static_assert(LANES >= 1 && FOLDS >= 1 && PIXELS >= 1,
                "sl::table: LANES, FOLDS and PIXELS are at least 1");
  static_assert(IN_BITS >= 1 && IN_BITS <= 12, "sl::table: IN_BITS is 1 to 12");
  static_assert(OUT_BITS >= 1 && OUT_BITS <= 63, "sl::table: OUT_BITS is 1 to 63");
#pragma HLS ARRAY_PARTITION variable=t dim=2 complete
#pragma HLS BIND_STORAGE variable=t type=rom_np
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  folds:
    for (int fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
      int x[LANES];
      unpack<LANES, IN_BITS, 0>(s.read(), x);
      uword<OUT_BITS> y[LANES];
    lanes:
      for (int lane = 0; lane < LANES; lane++) {
        y[lane] = t[PER_CHANNEL ? fold : 0][PER_CHANNEL ? lane : 0][x[lane]];
      }
      m.write(pack<LANES, OUT_BITS>(y));
    }
  }
}

}  // namespace sl

#endif
