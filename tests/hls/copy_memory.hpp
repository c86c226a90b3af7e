/// The HLS twin of `tests/sim/fixtures/copy_memory.sv`: m = s ^ the image, by way of the memory.
#ifndef COPY_MEMORY_HPP
#define COPY_MEMORY_HPP

#include "sl_beat.hpp"

namespace sl {

template <int BEATS, int COPY>
void copy_memory(hls::stream<ap_uint<64>>& s, hls::stream<ap_uint<64>>& m, ap_uint<64>* copy,
                 ap_uint<64>* image) {
writes:
  for (int beat = 0; beat < BEATS; beat++) copy[COPY / 8 + beat] = s.read();
reads:
  for (int beat = 0; beat < BEATS; beat++) m.write(copy[COPY / 8 + beat] ^ image[beat]);
}

}  // namespace sl

#endif
