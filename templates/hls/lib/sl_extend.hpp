/// Gives elements more bits, of the same value.
///
/// In: LANES elements of BITS bits a beat. Out: the same with OUT_BITS bits. BEATS is the number of
/// beats a frame. Interval: one clock a beat.
#ifndef SL_EXTEND_HPP
#define SL_EXTEND_HPP

#include "sl_beat.hpp"

namespace sl {

template <int LANES, int BITS, int OUT_BITS, int IS_SIGNED, int BEATS>
void extend(hls::stream<ap_uint<LANES * BITS>>& s, hls::stream<ap_uint<LANES * OUT_BITS>>& m) {
  static_assert(LANES >= 1 && BEATS >= 1, "sl::extend: LANES and BEATS are at least 1");
  static_assert(1 <= BITS && BITS < OUT_BITS, "sl::extend: OUT_BITS is more than BITS");
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II=1
    std::int64_t element[LANES];
    unpack<LANES, BITS, IS_SIGNED>(s.read(), element);
    m.write(pack<LANES, OUT_BITS>(element));
  }
}

}  // namespace sl

#endif
