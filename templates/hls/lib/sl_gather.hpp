/// Picks the words of a pixel in another order; words may be left out or come more than once.
///
///   m[pixel][k] = s[pixel][order[k]],  k < OUT_WORDS
///
/// A word is a beat: one element, or elements that stay together. A pixel is loaded, then picked
/// from; PIXELS is their number a frame. Interval: PIXELS*(IN_WORDS + OUT_WORDS) clocks.
#ifndef SL_GATHER_HPP
#define SL_GATHER_HPP

#include "sl_beat.hpp"

namespace sl {

/// Bits of a word's number.
constexpr int index_bits(int words) {
  int bits = 1;
  while ((1 << bits) < words) bits++;
  return bits;
}

template <int WIDTH, int IN_WORDS, int OUT_WORDS, int PIXELS>
void gather(hls::stream<ap_uint<WIDTH>>& s, hls::stream<ap_uint<WIDTH>>& m,
            const uword<index_bits(IN_WORDS)> (&order)[OUT_WORDS]) {
  static_assert(WIDTH >= 1 && IN_WORDS >= 1 && OUT_WORDS >= 1 && PIXELS >= 1,
                "sl::gather: WIDTH, IN_WORDS, OUT_WORDS and PIXELS are at least 1");
  ap_uint<WIDTH> pixel[IN_WORDS];
pixels:
  for (int number = 0; number < PIXELS; number++) {
  load:
    for (int word = 0; word < IN_WORDS; word++) {
#pragma HLS PIPELINE II=1
      pixel[word] = s.read();
    }
  pick:
    for (int k = 0; k < OUT_WORDS; k++) {
#pragma HLS PIPELINE II=1
      m.write(pixel[order[k]]);
    }
  }
}

}  // namespace sl

#endif
