/// The reduction of a pooling: the maximum of numbers, or their sum.
#ifndef SL_COMBINE_HPP
#define SL_COMBINE_HPP

#include <cstdint>

namespace sl {

template <int IS_SUM>
std::int64_t combine(std::int64_t a, std::int64_t b) {
#pragma HLS INLINE
  if (IS_SUM) return a + b;
  return a > b ? a : b;
}

}  // namespace sl

#endif
