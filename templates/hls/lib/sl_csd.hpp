/// Products by canonic signed digits: codes of digit pairs, the most significant of which are kept.
///
///   value = sum over rows r of pair[r] * 4^r,  pair = 0, +-1 or +-2
///
/// A code has three bits a row, row 0 lowest: bit 0 for 1, bit 1 for 2, bit 2 for the sign.
#ifndef SL_CSD_HPP
#define SL_CSD_HPP

#include "sl_beat.hpp"

namespace sl {

/// x times the value of `codes` with its `k` most significant rows that are not zero.
template <int ROWS>
std::int64_t csd_product(std::int64_t x, std::uint64_t codes, unsigned k) {
#pragma HLS INLINE
  std::int64_t product = 0;
  unsigned left = k;
rows:
  for (int row = ROWS - 1; row >= 0; row--) {
#pragma HLS UNROLL
    const unsigned code = static_cast<unsigned>(codes >> (3 * row)) & 7;
    if ((code & 3) != 0 && left > 0) {
      const std::int64_t term = (code & 2 ? 2 * x : x) * (std::int64_t(1) << (2 * row));
      product += code & 4 ? -term : term;
      left--;
    }
  }
  return product;
}

}  // namespace sl

#endif
