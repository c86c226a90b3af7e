/// Pooling of whole windows: a beat holds all TAPS of LANES channels, as sl::window makes them.
///
///   m[lane] = max or sum over t < TAPS of s[t*LANES + lane]
///
/// IS_SIGNED tells two's complement elements from unsigned ones; a sum is taken modulo 2^OUT_BITS.
/// BEATS is the number of beats a frame.
/// Interval: one clock a beat.
#ifndef SL_WINDOW_REDUCE_HPP
#define SL_WINDOW_REDUCE_HPP

#include "sl_beat.hpp"
#include "sl_combine.hpp"

namespace sl {

template <int TAPS, int LANES, int BITS, int OUT_BITS, int IS_SUM, int IS_SIGNED, int BEATS>
void window_reduce(hls::stream<ap_uint<TAPS * LANES * BITS>>& s,
                   hls::stream<ap_uint<LANES * OUT_BITS>>& m) {
  static_assert(TAPS >= 1 && LANES >= 1 && BEATS >= 1,
                "sl::window_reduce: TAPS, LANES and BEATS are at least 1");
  static_assert(BITS >= 1 && BITS <= 48 && OUT_BITS >= 1 && OUT_BITS <= 48,
                "sl::window_reduce: BITS and OUT_BITS are 1 to 48");
  static_assert(IS_SUM || OUT_BITS >= BITS, "sl::window_reduce: a maximum needs OUT_BITS >= BITS");
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II=1
    std::int64_t x[TAPS * LANES];
    unpack<TAPS * LANES, BITS, IS_SIGNED>(s.read(), x);
    std::int64_t y[LANES];
  lanes:
    for (int lane = 0; lane < LANES; lane++) {
      y[lane] = x[lane];
    taps:
      for (int tap = 1; tap < TAPS; tap++) {
        y[lane] = combine<IS_SUM>(y[lane], x[tap * LANES + lane]);
      }
    }
    m.write(pack<LANES, OUT_BITS>(y));
  }
}

}  // namespace sl

#endif
