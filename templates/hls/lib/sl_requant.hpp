/// Requantization: y = clip(round_half_even(x * M / 2^SHIFT) + ZERO, LO, HI), M per channel.
///
/// In: FOLDS beats of LANES signed elements of IN_BITS a pixel, PIXELS pixels a frame; out: the
/// same order, the low OUT_BITS of y. M is unsigned, `mult[fold][lane]`, below 2^M_BITS. USE_DSP
/// chooses the multiplier: 1 a DSP block, 0 logic. Interval: PIXELS*FOLDS clocks a frame.
#ifndef SL_REQUANT_HPP
#define SL_REQUANT_HPP

#include "sl_beat.hpp"

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

/// product / 2^SHIFT, rounded to the nearest integer, ties to the even one.
template <int SHIFT>
std::int64_t round_half_even(std::int64_t product) {
#pragma HLS INLINE
  constexpr std::int64_t UNIT = std::int64_t(1) << SHIFT;
  const std::int64_t floor = product >> SHIFT;
  const std::int64_t rest = product & (UNIT - 1);
  return floor + (2 * rest + (floor & 1) > UNIT);
}

template <int LANES, int FOLDS, int IN_BITS, int M_BITS, int SHIFT, int OUT_BITS, int LO, int HI,
          int ZERO, int USE_DSP, int PIXELS>
void requant(hls::stream<ap_uint<LANES * IN_BITS>>& s, hls::stream<ap_uint<LANES * OUT_BITS>>& m,
             const uword<M_BITS> (&mult)[FOLDS][LANES]) {
  static_assert(LANES >= 1 && FOLDS >= 1 && PIXELS >= 1,
                "sl::requant: LANES, FOLDS and PIXELS are at least 1");
  static_assert(IN_BITS >= 1 && M_BITS >= 1 && IN_BITS + M_BITS <= 60,
                "sl::requant: IN_BITS + M_BITS is at most 60");
  static_assert(SHIFT >= 0 && SHIFT <= 60, "sl::requant: SHIFT is 0 to 60");
  static_assert(OUT_BITS >= 1 && OUT_BITS <= 32, "sl::requant: OUT_BITS is 1 to 32");
  static_assert(LO <= HI, "sl::requant: LO is at most HI");
#pragma HLS ARRAY_RESHAPE variable=mult dim=2 complete
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  folds:
    for (int fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
      std::int64_t x[LANES];
      unpack<LANES, IN_BITS, 1>(s.read(), x);
    lanes:
      for (int lane = 0; lane < LANES; lane++) {
        const std::int64_t product = multiply<USE_DSP>(x[lane], mult[fold][lane]);
        const std::int64_t y = round_half_even<SHIFT>(product) + ZERO;
        x[lane] = y < LO ? LO : y > HI ? HI : y;
      }
      m.write(pack<LANES, OUT_BITS>(x));
    }
  }
}

}  // namespace sl

#endif
