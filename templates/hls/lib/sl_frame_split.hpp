/// Deals a stream out by turns: A_BEATS beats to m0, then B_BEATS beats to m1, and again.
///
/// It takes apart what sl::concat puts together. TURNS is their number a frame. Interval: one clock
/// a beat.
#ifndef SL_FRAME_SPLIT_HPP
#define SL_FRAME_SPLIT_HPP

#include "sl_beat.hpp"

namespace sl {

template <int WIDTH, int A_BEATS, int B_BEATS, int TURNS>
void frame_split(hls::stream<ap_uint<WIDTH>>& s, hls::stream<ap_uint<WIDTH>>& m0,
                 hls::stream<ap_uint<WIDTH>>& m1) {
  static_assert(WIDTH >= 1 && A_BEATS >= 1 && B_BEATS >= 1 && TURNS >= 1,
                "sl::frame_split: WIDTH, A_BEATS, B_BEATS and TURNS are at least 1");
turns:
  for (int turn = 0; turn < TURNS; turn++) {
  beats:
    for (int beat = 0; beat < A_BEATS + B_BEATS; beat++) {
#pragma HLS PIPELINE II=1
      const ap_uint<WIDTH> word = s.read();
      if (beat < A_BEATS) {
        m0.write(word);
      } else {
        m1.write(word);
      }
    }
  }
}

}  // namespace sl

#endif
