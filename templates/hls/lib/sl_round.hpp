/// Multiplication in a DSP block or in logic, and rounding to the nearest integer.
#ifndef SL_ROUND_HPP
#define SL_ROUND_HPP

#include <cstdint>

namespace sl {

/// x * multiplier, in a DSP block or in logic.
template <int USE_DSP>
std::int64_t multiply(std::int64_t x, std::int64_t multiplier) {
#pragma HLS INLINE
  if (USE_DSP) {
    const std::int64_t product = x * multiplier;
#pragma HLS BIND_OP variable=product op=mul impl=dsp
    return product;
  }
  const std::int64_t product = x * multiplier;
#pragma HLS BIND_OP variable=product op=mul impl=fabric
  return product;
}

/// sum / 2^SHIFT, rounded to the nearest integer, ties to the even one.
template <int SHIFT>
std::int64_t round_half_even(std::int64_t sum) {
#pragma HLS INLINE
  constexpr std::int64_t UNIT = std::int64_t(1) << SHIFT;
  const std::int64_t floor = sum >> SHIFT;
  const std::int64_t rest = sum & (UNIT - 1);
  return floor + (2 * rest + (floor & 1) > UNIT);
}

/// clip(round_half_even(sum / 2^SHIFT) + ZERO, LO, HI).
template <int SHIFT, int ZERO, int LO, int HI>
std::int64_t round_clip(std::int64_t sum) {
#pragma HLS INLINE
  const std::int64_t y = round_half_even<SHIFT>(sum) + ZERO;
  return y < LO ? LO : y > HI ? HI : y;
}

}  // namespace sl

#endif
