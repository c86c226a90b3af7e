/// Replays a vector: in LENGTH/SIMD beats of SIMD elements, out the same beats NF times over.
///
/// Two processes side by side: one gathers the next vector in a queue of LENGTH/SIMD beats while
/// the other replays the last one, so queue and memory are a ping-pong pair. The first replay
/// passes the beats on as they come. PIXELS is the number of vectors a frame. Interval:
/// max(input, PIXELS*NF*LENGTH/SIMD) clocks a frame.
#ifndef SL_VECTOR_BUFFER_HPP
#define SL_VECTOR_BUFFER_HPP

#include "sl_beat.hpp"

namespace sl {

/// A frame's beats into the queue.
template <int BEATS, int WIDTH>
void vector_gather(hls::stream<ap_uint<WIDTH>>& s, hls::stream<ap_uint<WIDTH>>& queue) {
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II=1
    queue.write(s.read());
  }
}

/// PIXELS vectors of SF beats from the queue, each NF times.
template <int SF, int NF, int PIXELS, int WIDTH>
void vector_replay(hls::stream<ap_uint<WIDTH>>& queue, hls::stream<ap_uint<WIDTH>>& m) {
  ap_uint<WIDTH> vector[SF];
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  passes:
    for (int nf = 0; nf < NF; nf++) {
    beats:
      for (int sf = 0; sf < SF; sf++) {
#pragma HLS PIPELINE II=1
        if (nf == 0) {
          const ap_uint<WIDTH> word = queue.read();
          vector[sf] = word;
          m.write(word);
        } else {
          m.write(vector[sf]);
        }
      }
    }
  }
}

template <int LENGTH, int SIMD, int BITS, int NF, int PIXELS>
void vector_buffer(hls::stream<ap_uint<SIMD * BITS>>& s, hls::stream<ap_uint<SIMD * BITS>>& m) {
  static_assert(LENGTH >= 1 && SIMD >= 1 && BITS >= 1 && NF >= 1 && PIXELS >= 1,
                "sl::vector_buffer: LENGTH, SIMD, BITS, NF and PIXELS are at least 1");
  static_assert(LENGTH % SIMD == 0, "sl::vector_buffer: SIMD divides LENGTH");
#pragma HLS DATAFLOW
  constexpr int SF = LENGTH / SIMD;
  hls::stream<ap_uint<SIMD * BITS>> queue("queue");
#pragma HLS STREAM variable=queue depth=SF
  vector_gather<PIXELS * SF>(s, queue);
  vector_replay<SF, NF, PIXELS>(queue, m);
}

}  // namespace sl

#endif
