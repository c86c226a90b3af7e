/// Width converter: the same elements in the same order, IN_ELEMS a beat to OUT_ELEMS a beat.
///
/// One of the two divides the other. BEATS is the number of input beats a frame; where beats are
/// joined, a frame fills whole output beats. The shift register moves by one narrow beat a clock.
/// Interval: one clock a beat of the narrow side.
#ifndef SL_WIDTH_HPP
#define SL_WIDTH_HPP

#include "sl_beat.hpp"

namespace sl {

template <int IN_ELEMS, int OUT_ELEMS, int BITS, int BEATS>
void width(hls::stream<ap_uint<IN_ELEMS * BITS>>& s, hls::stream<ap_uint<OUT_ELEMS * BITS>>& m) {
  static_assert(IN_ELEMS >= 1 && OUT_ELEMS >= 1 && BITS >= 1 && BEATS >= 1,
                "sl::width: IN_ELEMS, OUT_ELEMS, BITS and BEATS are at least 1");
  static_assert(IN_ELEMS % OUT_ELEMS == 0 || OUT_ELEMS % IN_ELEMS == 0,
                "sl::width: one of IN_ELEMS and OUT_ELEMS divides the other");
  static_assert(BEATS * IN_ELEMS % OUT_ELEMS == 0,
                "sl::width: the beats of a frame fill whole output beats");
  constexpr bool JOIN = IN_ELEMS < OUT_ELEMS;
  constexpr int WIDE = (JOIN ? OUT_ELEMS : IN_ELEMS) * BITS;
  constexpr int NARROW = (JOIN ? IN_ELEMS : OUT_ELEMS) * BITS;
  ap_uint<WIDE> word = 0;
wide_beats:
  for (int group = 0; group < BEATS * IN_ELEMS * BITS / WIDE; group++) {
  narrow_beats:
    for (int part = 0; part < WIDE / NARROW; part++) {
#pragma HLS PIPELINE II=1
      if (JOIN) {
        word >>= NARROW;
        word.range(WIDE - 1, WIDE - NARROW) = s.read();
        if (part == WIDE / NARROW - 1) m.write(ap_uint<OUT_ELEMS * BITS>(word));
      } else {
        if (part == 0) word = s.read();
        m.write(ap_uint<OUT_ELEMS * BITS>(word));  // keeps the low bits
        word >>= NARROW;
      }
    }
  }
}

}  // namespace sl

#endif
