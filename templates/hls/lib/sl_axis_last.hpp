/// Output of a design: BEATS plain beats a frame to AXI4-Stream, TLAST on the last one.
///
/// Where the plain stream is narrower than WIDTH, the upper bits are zero. Interval: BEATS clocks.
#ifndef SL_AXIS_LAST_HPP
#define SL_AXIS_LAST_HPP

#include "sl_axis.hpp"

namespace sl {

template <int WIDTH, int BEATS, int PLAIN>
void axis_last(hls::stream<ap_uint<PLAIN>>& s, hls::stream<axis<WIDTH>>& m) {
  static_assert(WIDTH >= 8 && WIDTH % 8 == 0, "sl::axis_last: WIDTH is a multiple of 8");
  static_assert(PLAIN <= WIDTH, "sl::axis_last: the plain stream is at most WIDTH wide");
  static_assert(BEATS >= 1, "sl::axis_last: BEATS is at least 1");
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II=1
    m.write(axis_beat<WIDTH>(s.read(), beat == BEATS - 1));
  }
}

}  // namespace sl

#endif
