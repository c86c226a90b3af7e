/// Shift-and-scale decoder of QSQ weights: a 3-bit code and the alpha of its vector.
///
///   weight = alpha * (0, +1, +2, +4, -1, -2, -4, 0)[code]
///
/// REGISTERED clocks later. `bad_code` becomes true with code 111 and stays so: the caller clears it.
#ifndef SL_QSQ_DECODE_HPP
#define SL_QSQ_DECODE_HPP

#include "sl_beat.hpp"

namespace sl {

template <int A_BITS, int REGISTERED>
void qsq_decode(unsigned code, const uword<A_BITS>& alpha, sword<A_BITS + 3>& weight,
                bool& bad_code) {
#pragma HLS PIPELINE II=1
#pragma HLS LATENCY min=REGISTERED max=REGISTERED
  static_assert(A_BITS >= 1 && A_BITS <= 60, "sl::qsq_decode: A_BITS is 1 to 60");
  const bool negative = code >= 4;
  const unsigned level = (code + negative) & 3;  // 0: 0, 1: alpha, 2: 2*alpha, 3: 4*alpha
  const std::int64_t a = level == 0 ? std::int64_t(0) : std::int64_t(alpha) << (level - 1);
  weight = negative ? -a : a;
  if (code == 7) bad_code = true;
}

}  // namespace sl

#endif
