/// Keeps a rectangle of a frame.
///
///   m[y][x][ch] = s[TOP + y][LEFT + x][ch],  y < OH, x < OW
///
/// In: H*W pixels of FOLDS beats. Out: OH*OW pixels of FOLDS beats. Interval: H*W*FOLDS clocks.
#ifndef SL_CROP_HPP
#define SL_CROP_HPP

#include "sl_beat.hpp"

namespace sl {

template <int H, int W, int FOLDS, int WIDTH, int TOP, int LEFT, int OH, int OW>
void crop(hls::stream<ap_uint<WIDTH>>& s, hls::stream<ap_uint<WIDTH>>& m) {
  static_assert(FOLDS >= 1 && WIDTH >= 1 && OH >= 1 && OW >= 1,
                "sl::crop: FOLDS, WIDTH, OH and OW are at least 1");
  static_assert(TOP >= 0 && LEFT >= 0 && TOP + OH <= H && LEFT + OW <= W,
                "sl::crop: the rectangle lies inside the frame H x W");
rows:
  for (int y = 0; y < H; y++) {
  columns:
    for (int x = 0; x < W; x++) {
    folds:
      for (int fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
        const ap_uint<WIDTH> word = s.read();
        if (y >= TOP && y < TOP + OH && x >= LEFT && x < LEFT + OW) m.write(word);
      }
    }
  }
}

}  // namespace sl

#endif
