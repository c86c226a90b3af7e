/// Joins two streams by turns: A_BEATS beats of s0, then B_BEATS beats of s1, and again.
///
/// With the beats of a pixel this is a concatenation of channels, with those of a frame it puts one
/// frame behind the other. TURNS is their number a frame. Interval: one clock a beat.
#ifndef SL_CONCAT_HPP
#define SL_CONCAT_HPP

#include "sl_beat.hpp"

namespace sl {

template <int WIDTH, int A_BEATS, int B_BEATS, int TURNS>
void concat(hls::stream<ap_uint<WIDTH>>& s0, hls::stream<ap_uint<WIDTH>>& s1,
            hls::stream<ap_uint<WIDTH>>& m) {
  static_assert(WIDTH >= 1 && A_BEATS >= 1 && B_BEATS >= 1 && TURNS >= 1,
                "sl::concat: WIDTH, A_BEATS, B_BEATS and TURNS are at least 1");
turns:
  for (int turn = 0; turn < TURNS; turn++) {
  beats:
    for (int beat = 0; beat < A_BEATS + B_BEATS; beat++) {
#pragma HLS PIPELINE II=1
      m.write(beat < A_BEATS ? s0.read() : s1.read());
    }
  }
}

}  // namespace sl

#endif
