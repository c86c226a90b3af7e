/// The HLS twin of `tests/sim/fixtures/add_quality.sv`: m = FACTOR * s + k, modulo 256.
#ifndef ADD_QUALITY_HPP
#define ADD_QUALITY_HPP

#include "sl_beat.hpp"

namespace sl {

template <int BEATS, int FACTOR>
void add_quality(hls::stream<ap_uint<8>>& s, hls::stream<ap_uint<8>>& m, ap_uint<4> quality) {
beats:
  for (int beat = 0; beat < BEATS; beat++) m.write(FACTOR * s.read() + quality);
}

}  // namespace sl

#endif
