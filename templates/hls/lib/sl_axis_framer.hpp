/// Input guard of a design: AXI4-Stream with TLAST to exactly BEATS plain beats a frame.
///
/// A frame whose TLAST comes early is completed with zero beats; one whose TLAST is missing on the
/// last beat loses what follows up to TLAST. The next frame is right in both cases. The plain
/// stream takes the low bits where it is narrower than WIDTH. Interval: BEATS clocks a frame.
#ifndef SL_AXIS_FRAMER_HPP
#define SL_AXIS_FRAMER_HPP

#include "sl_axis.hpp"

namespace sl {

template <int WIDTH, int BEATS, int PLAIN>
void axis_framer(hls::stream<axis<WIDTH>>& s, hls::stream<ap_uint<PLAIN>>& m) {
  static_assert(WIDTH >= 8 && WIDTH % 8 == 0, "sl::axis_framer: WIDTH is a multiple of 8");
  static_assert(PLAIN <= WIDTH, "sl::axis_framer: the plain stream is at most WIDTH wide");
  static_assert(BEATS >= 1, "sl::axis_framer: BEATS is at least 1");
  bool last = false;
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II=1
    ap_uint<PLAIN> data = 0;
    if (!last) {
      const axis<WIDTH> word = s.read();
      data = word.data;
      last = word.last == 1;
    }
    m.write(data);
  }
surplus:
  while (!last) {
#pragma HLS PIPELINE II=1
    last = s.read().last == 1;
  }
}

}  // namespace sl

#endif
