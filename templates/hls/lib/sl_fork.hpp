/// Gives every beat to two readers: m0 = m1 = s.
///
/// BEATS is the number of beats a frame. Interval: one clock a beat.
#ifndef SL_FORK_HPP
#define SL_FORK_HPP

#include "sl_beat.hpp"

namespace sl {

template <int WIDTH, int BEATS>
void fork(hls::stream<ap_uint<WIDTH>>& s, hls::stream<ap_uint<WIDTH>>& m0,
          hls::stream<ap_uint<WIDTH>>& m1) {
  static_assert(WIDTH >= 1 && BEATS >= 1, "sl::fork: WIDTH and BEATS are at least 1");
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II=1
    const ap_uint<WIDTH> word = s.read();
    m0.write(word);
    m1.write(word);
  }
}

}  // namespace sl

#endif
