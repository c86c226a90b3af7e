/// Words and beats: the types of stored elements, and how a beat is taken apart and put together.
///
/// A beat of ELEMS elements of BITS bits holds element 0 in its least significant bits. A unit
/// unpacks a beat once, computes on plain integers, and packs once. In synthesis the limbs below
/// are wires and each integer shrinks to the bits that are used; in C simulation both run at the
/// speed of native arithmetic, which `ap_uint::range` on every element would not.
#ifndef SL_BEAT_HPP
#define SL_BEAT_HPP

#include <cstdint>
#include <type_traits>

#ifndef AP_INT_MAX_W
#define AP_INT_MAX_W 4096  // widest beat; the default of Vitis HLS is 1024, 4096 its limit
#endif
#include "ap_int.h"
#include "hls_stream.h"

namespace sl {

/// Smallest of four types with at least BITS bits.
template <int BITS, typename T8, typename T16, typename T32, typename T64>
using fit = std::conditional_t<
    BITS <= 8, T8, std::conditional_t<BITS <= 16, T16, std::conditional_t<BITS <= 32, T32, T64>>>;

/// Element of a memory or table, `uword` unsigned and `sword` signed: exactly BITS bits wide in
/// synthesis, the next native integer in simulation. A unit stores only values that fit, or uses
/// only the low BITS bits, so both agree. Generated tables use them too: g++ takes a minute for
/// 60,000 `ap_uint` initialisers and one second for native ones. SL_EXACT_WORDS asks for the exact
/// ones in simulation too, to check that.
#if defined(__SYNTHESIS__) || defined(SL_EXACT_WORDS)
template <int BITS>
using uword = ap_uint<BITS>;
template <int BITS>
using sword = ap_int<BITS>;
#else
template <int BITS>
using uword = fit<BITS, std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
template <int BITS>
using sword = fit<BITS, std::int8_t, std::int16_t, std::int32_t, std::int64_t>;
#endif

/// Either of them.
template <int SIGNED, int BITS>
using number = std::conditional_t<SIGNED != 0, sword<BITS>, uword<BITS>>;

/// One beat of ELEMS elements of BITS bits.
template <int ELEMS, int BITS>
using beat = ap_uint<ELEMS * BITS>;

/// 64-bit limbs of a word of WIDTH bits, and the mask of its low bits.
constexpr int limbs(int width) { return (width + 63) / 64; }
constexpr std::uint64_t mask(int bits) { return ~std::uint64_t(0) >> (64 - bits); }
constexpr int last_bit(int limb, int width) {
  return 64 * limb + 63 < width ? 64 * limb + 63 : width - 1;
}

/// element[i] = bits [i*BITS +: BITS] of `word`, sign-extended where SIGNED.
template <int ELEMS, int BITS, int SIGNED, typename T>
void unpack(const ap_uint<ELEMS * BITS>& word, T (&element)[ELEMS]) {
#pragma HLS INLINE
  static_assert(BITS >= 1 && BITS <= 63, "sl::unpack: an element has 1 to 63 bits");
  constexpr int WIDTH = ELEMS * BITS;
  std::uint64_t limb[limbs(WIDTH) + 1];
#pragma HLS ARRAY_PARTITION variable=limb complete
cut:
  for (int i = 0; i < limbs(WIDTH); i++) {
#pragma HLS UNROLL
    limb[i] = word.range(last_bit(i, WIDTH), 64 * i).to_uint64();
  }
  limb[limbs(WIDTH)] = 0;
elements:
  for (int i = 0; i < ELEMS; i++) {
#pragma HLS UNROLL
    const int at = i * BITS / 64;
    const int shift = i * BITS % 64;
    std::uint64_t raw = limb[at] >> shift;
    if (shift + BITS > 64) raw |= limb[at + 1] << (64 - shift);
    constexpr std::uint64_t SIGN = SIGNED ? std::uint64_t(1) << (BITS - 1) : 0;
    element[i] = static_cast<T>(((raw & mask(BITS)) ^ SIGN) - SIGN);
  }
}

/// The beat whose element i is the low BITS bits of element[i].
template <int ELEMS, int BITS, typename T>
ap_uint<ELEMS * BITS> pack(const T (&element)[ELEMS]) {
#pragma HLS INLINE
  static_assert(BITS >= 1 && BITS <= 63, "sl::pack: an element has 1 to 63 bits");
  constexpr int WIDTH = ELEMS * BITS;
  std::uint64_t limb[limbs(WIDTH) + 1] = {};
#pragma HLS ARRAY_PARTITION variable=limb complete
elements:
  for (int i = 0; i < ELEMS; i++) {
#pragma HLS UNROLL
    const int at = i * BITS / 64;
    const int shift = i * BITS % 64;
    const std::uint64_t raw = static_cast<std::uint64_t>(element[i]) & mask(BITS);
    limb[at] |= raw << shift;
    if (shift + BITS > 64) limb[at + 1] |= raw >> (64 - shift);
  }
  ap_uint<WIDTH> word = 0;
join:
  for (int i = 0; i < limbs(WIDTH); i++) {
#pragma HLS UNROLL
    word.range(last_bit(i, WIDTH), 64 * i) = limb[i] & mask(last_bit(i, WIDTH) - 64 * i + 1);
  }
  return word;
}

}  // namespace sl

#endif
