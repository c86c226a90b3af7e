/// What the engines share: instructions, words of lanes, taps, products and post-processing.
///
/// A program row is 32 integers; the RTL header of sl_dadiannao lists them. An entry of the step
/// table is {OFFSET, DY, DX, 2 * block + last}; lists follow one another.
#ifndef SL_ENGINE_HPP
#define SL_ENGINE_HPP

#include "sl_beat.hpp"
#include "sl_mvu_shift.hpp"

namespace sl {

/// Division by 2^shift with round half to even, zero point and clip, chosen at run time.
struct engine_rounding {
  int shift;
  std::int64_t lo, hi, zero;
};

inline engine_rounding engine_rounding_at(const std::uint32_t (&row)[32], int first) {
#pragma HLS INLINE
  const auto field = [&](int i) { return std::int64_t(static_cast<std::int32_t>(row[first + i])); };
  return {static_cast<int>(row[first]), field(1), field(2), field(3)};
}

/// Of sums below 2^61; larger shifts than 62 leave as little of them as 62 does.
inline std::int64_t engine_round(const engine_rounding& by, std::int64_t sum) {
#pragma HLS INLINE
  const int shift = by.shift < 62 ? by.shift : 62;
  const std::int64_t unit = std::int64_t(1) << shift;
  const std::int64_t floor = sum >> shift;
  const std::int64_t rest = sum & (unit - 1);
  const std::int64_t y = floor + (2 * rest + (floor & 1) > unit) + by.zero;
  return y < by.lo ? by.lo : y > by.hi ? by.hi : y;
}

/// An instruction: one program row with its fields named.
struct engine_task {
  bool pool, is_signed, rewind, residual, emit, res_signed;
  int step, co, param, ny, nx, addr, step_x, step_y, iy0, ix0, sy, sx, h, w, pad;
  engine_rounding first, second;
  std::int64_t m1, m2, add;
  int dst, dst_co, res, res_co, weight;
};

inline engine_task engine_decode(const std::uint32_t (&row)[32]) {
#pragma HLS INLINE
  const auto flag = [&](int bit) { return (row[0] >> bit & 1) != 0; };
  const auto field = [&](int i) { return static_cast<std::int32_t>(row[i]); };
  return {flag(0),   flag(1),   flag(2),   flag(3),   flag(4),   flag(7),
          field(1),  field(2),  field(3),  field(4),  field(5),  field(6),
          field(7),  field(8),  field(9),  field(10), field(11), field(12),
          field(13), field(14), field(15),
          engine_rounding_at(row, 16),     engine_rounding_at(row, 23),
          field(20), field(21), field(22),
          field(27), field(28), field(29), field(30), field(31)};
}

/// The low bits of an address of a memory of `depth` words.
constexpr int engine_wrap(int depth) {
  int words = 1;
  while (words < depth) words *= 2;
  return words - 1;
}

/// The integer of a lane of BITS bits.
template <int BITS>
int engine_lane(int raw, bool is_signed) {
#pragma HLS INLINE
  return is_signed && (raw >> (BITS - 1) & 1) ? raw - (1 << BITS) : raw;
}

/// Whether tap (iy, ix) lies inside the map.
inline bool engine_inside(const engine_task& at, int iy, int ix) {
#pragma HLS INLINE
  return iy >= 0 && iy < at.h && ix >= 0 && ix < at.w;
}

/// The operands of a tap: the lanes of its word where it is inside, else padding.
template <int R, int LANE, typename W, typename T>
void engine_operands(const engine_task& at, const W (&word)[R], bool inside, T (&x)[R]) {
#pragma HLS INLINE
lanes:
  for (int lane = 0; lane < R; lane++) {
#pragma HLS UNROLL
    const int value = engine_lane<LANE>(word[lane], at.is_signed);
    x[lane] = static_cast<T>(inside ? value : at.pad);
  }
}

/// A sum modulo 2^ACC_BITS as a number with sign.
template <int ACC_BITS>
std::int64_t engine_sum(std::uint64_t acc) {
#pragma HLS INLINE
  constexpr std::uint64_t SIGN = std::uint64_t(1) << (ACC_BITS - 1);
  return static_cast<std::int64_t>(((acc & mask(ACC_BITS)) ^ SIGN) - SIGN);
}

/// The activation of a sum; `scale` is OFFS * 2^M_BITS + M, `r` the residual operand.
template <int M_BITS>
std::int64_t engine_post(const engine_task& at, std::int64_t sum, std::int64_t scale, int r) {
#pragma HLS INLINE
  const std::int64_t multiplier = scale & static_cast<std::int64_t>(mask(M_BITS));
  const std::int64_t y = engine_round(at.first, sum * multiplier + (scale >> M_BITS));
  return at.residual ? engine_round(at.second, at.m1 * y + at.m2 * r + at.add) : y;
}

/// Limits of the arithmetic above.
template <int X_BITS, int W_BITS, int SHIFT_W, int ACC_BITS, int M_BITS, int C_BITS, int F_BITS,
          int K_BITS>
constexpr void engine_check() {
  static_assert(X_BITS >= 1 && X_BITS <= 16, "sl::engine: X_BITS is 1 to 16");
  static_assert(W_BITS >= 1 && W_BITS <= 8, "sl::engine: W_BITS is 1 to 8");
  static_assert(SHIFT_W == 0 || W_BITS == 3, "sl::engine: codes have 3 bits");
  static_assert(M_BITS >= 1 && ACC_BITS >= 1 && ACC_BITS + M_BITS <= 60,
                "sl::engine: ACC_BITS + M_BITS is at most 60");
  static_assert(C_BITS >= 0 && C_BITS <= 60 && C_BITS + M_BITS <= 63,
                "sl::engine: C_BITS is at most 60, and C_BITS + M_BITS at most 63");
  static_assert(F_BITS >= 2 && F_BITS <= 32 && K_BITS >= 1 && K_BITS <= 32,
                "sl::engine: F_BITS is 2 to 32, K_BITS 1 to 32");
}

}  // namespace sl

#endif
