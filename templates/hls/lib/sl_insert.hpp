/// Puts a border around a frame, and gaps between its rows and columns, all of VALUE.
///
///   m[PT + y*(GAP_Y+1)][PL + x*(GAP_X+1)][ch] = s[y][x][ch], every other element VALUE
///
/// In: FOLDS beats of LANES elements a pixel, H*W pixels. Out: the same beats among fillers, PB
/// more rows at the bottom and PR more columns on the right. Interval: one clock an output beat.
#ifndef SL_INSERT_HPP
#define SL_INSERT_HPP

#include "sl_beat.hpp"

namespace sl {

template <int H, int W, int FOLDS, int LANES, int BITS, int PT, int PL, int PB, int PR, int GAP_Y,
          int GAP_X, int VALUE>
void insert(hls::stream<ap_uint<LANES * BITS>>& s, hls::stream<ap_uint<LANES * BITS>>& m) {
  static_assert(H >= 1 && W >= 1 && FOLDS >= 1 && LANES >= 1,
                "sl::insert: H, W, FOLDS and LANES are at least 1");
  static_assert(PT >= 0 && PL >= 0 && PB >= 0 && PR >= 0 && GAP_Y >= 0 && GAP_X >= 0,
                "sl::insert: PT, PL, PB, PR, GAP_Y and GAP_X are not negative");
  constexpr int Y_END = PT + (H - 1) * (GAP_Y + 1) + 1, X_END = PL + (W - 1) * (GAP_X + 1) + 1;
  int fillers[LANES];
#pragma HLS ARRAY_PARTITION variable=fillers complete
lanes:
  for (int lane = 0; lane < LANES; lane++) fillers[lane] = VALUE;
  const ap_uint<LANES * BITS> filler = pack<LANES, BITS>(fillers);
rows:
  for (int y = 0; y < Y_END + PB; y++) {
  columns:
    for (int x = 0; x < X_END + PR; x++) {
      const bool y_data = y >= PT && y < Y_END && (y - PT) % (GAP_Y + 1) == 0;
      const bool x_data = x >= PL && x < X_END && (x - PL) % (GAP_X + 1) == 0;
    folds:
      for (int fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
        m.write(y_data && x_data ? s.read() : filler);
      }
    }
  }
}

}  // namespace sl

#endif
