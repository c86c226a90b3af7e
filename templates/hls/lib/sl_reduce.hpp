/// Pooling of windows that come tap by tap, as sl::window_serial makes them.
///
///   m[lane] = max or sum over t < TAPS of s[t][lane]
///
/// In: OUTPUTS times TAPS beats of LANES elements a frame; out: a beat for every TAPS. IS_SIGNED
/// tells two's complement elements from unsigned ones; a sum is taken modulo 2^OUT_BITS.
/// Interval: OUTPUTS*TAPS clocks a frame.
#ifndef SL_REDUCE_HPP
#define SL_REDUCE_HPP

#include "sl_beat.hpp"
#include "sl_combine.hpp"

namespace sl {

template <int LANES, int TAPS, int BITS, int OUT_BITS, int IS_SUM, int IS_SIGNED, int OUTPUTS>
void reduce(hls::stream<ap_uint<LANES * BITS>>& s, hls::stream<ap_uint<LANES * OUT_BITS>>& m) {
  static_assert(LANES >= 1 && TAPS >= 1 && OUTPUTS >= 1,
                "sl::reduce: LANES, TAPS and OUTPUTS are at least 1");
  static_assert(BITS >= 1 && BITS <= 48 && OUT_BITS >= 1 && OUT_BITS <= 48,
                "sl::reduce: BITS and OUT_BITS are 1 to 48");
  static_assert(IS_SUM || OUT_BITS >= BITS, "sl::reduce: a maximum needs OUT_BITS >= BITS");
  number<IS_SIGNED, OUT_BITS> so_far[LANES] = {};
#pragma HLS ARRAY_PARTITION variable=so_far complete
outputs:
  for (int output = 0; output < OUTPUTS; output++) {
  taps:
    for (int tap = 0; tap < TAPS; tap++) {
#pragma HLS PIPELINE II=1
      std::int64_t x[LANES];
      unpack<LANES, BITS, IS_SIGNED>(s.read(), x);
    lanes:
      for (int lane = 0; lane < LANES; lane++) {
        if (tap > 0) x[lane] = combine<IS_SUM>(so_far[lane], x[lane]);
        so_far[lane] = static_cast<number<IS_SIGNED, OUT_BITS>>(x[lane]);
      }
      if (tap == TAPS - 1) m.write(pack<LANES, OUT_BITS>(x));
    }
  }
}

}  // namespace sl

#endif
