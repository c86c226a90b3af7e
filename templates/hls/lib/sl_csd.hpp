/// Canonic signed digits: numbers as codes of digit pairs, the most significant of which are kept.
///
///   value = sum over rows r of pair[r] * 4^r,  pair = 0, +-1 or +-2
///
/// A code has three bits a row, row 0 lowest: bit 0 for 1, bit 1 for 2, bit 2 for the sign.
#ifndef SL_CSD_HPP
#define SL_CSD_HPP

#include "sl_beat.hpp"

namespace sl {

/// The value of `codes` with its `k` most significant rows that are not zero.
template <int ROWS>
std::int64_t csd_kept(std::uint64_t codes, unsigned k) {
#pragma HLS INLINE
  std::int64_t value = 0;
  unsigned left = k;
rows:
  for (int row = ROWS - 1; row >= 0; row--) {
#pragma HLS UNROLL
    const unsigned code = static_cast<unsigned>(codes >> (3 * row)) & 7;
    const std::int64_t magnitude = left == 0 ? 0 : static_cast<std::int64_t>(code & 3) << (2 * row);
    value += code >= 4 ? -magnitude : magnitude;
    left -= magnitude != 0;
  }
  return value;
}

}  // namespace sl

#endif
