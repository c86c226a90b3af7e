/// The AXI4-Stream beats of a design's boundary: data and the end-of-frame mark.
///
/// Vitis HLS makes TLAST a signal of its own only for its `ap_axiu`; any other struct it packs
/// into TDATA. Where that header is missing, as in the open simulation headers, a struct with the
/// same two fields stands in.
#ifndef SL_AXIS_HPP
#define SL_AXIS_HPP

#include "sl_beat.hpp"

#if __has_include("ap_axi_sdata.h")
#include "ap_axi_sdata.h"

namespace sl {

template <int WIDTH>
using axis = ap_axiu<WIDTH, 0, 0, 0>;

/// A beat with every byte valid.
template <int WIDTH>
axis<WIDTH> axis_beat(const ap_uint<WIDTH>& data, bool last) {
#pragma HLS INLINE
  axis<WIDTH> beat;
  beat.data = data;
  beat.keep = -1;
  beat.strb = -1;
  beat.last = last;
  return beat;
}

}  // namespace sl

#else

namespace sl {

template <int WIDTH>
struct axis {
  ap_uint<WIDTH> data;
  ap_uint<1> last;
};

/// A beat with every byte valid.
template <int WIDTH>
axis<WIDTH> axis_beat(const ap_uint<WIDTH>& data, bool last) {
  return axis<WIDTH>{data, ap_uint<1>(last)};
}

}  // namespace sl

#endif

#endif
