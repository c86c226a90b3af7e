/// Requantization: y = clip(round_half_even((x * M + C) / 2^SHIFT) + ZERO, LO, HI), M and C per
/// channel.
///
/// In: FOLDS beats of LANES elements of IN_BITS a pixel, signed where X_SIGNED, PIXELS pixels a
/// frame; out: the same order, the low OUT_BITS of y. M is unsigned, `mult[fold][lane]`, below
/// 2^M_BITS; C is signed, `offset[fold][lane]`, of C_BITS, and absent where C_BITS is 0. USE_DSP
/// chooses the multiplier: 1 a DSP block, 0 logic. Interval: PIXELS*FOLDS clocks a frame.
#ifndef SL_REQUANT_HPP
#define SL_REQUANT_HPP

#include "sl_beat.hpp"
#include "sl_round.hpp"

namespace sl {

template <int LANES, int FOLDS, int IN_BITS, int X_SIGNED, int M_BITS, int C_BITS, int SHIFT,
          int OUT_BITS, int LO, int HI, int ZERO, int USE_DSP, int PIXELS>
void requant(hls::stream<ap_uint<LANES * IN_BITS>>& s, hls::stream<ap_uint<LANES * OUT_BITS>>& m,
             const uword<M_BITS> (&mult)[FOLDS][LANES],
             const sword<C_BITS + (C_BITS == 0)> (&offset)[FOLDS][LANES]) {
  static_assert(LANES >= 1 && FOLDS >= 1 && PIXELS >= 1,
                "sl::requant: LANES, FOLDS and PIXELS are at least 1");
  static_assert(IN_BITS >= 1 && M_BITS >= 1 && IN_BITS + M_BITS <= 60,
                "sl::requant: IN_BITS + M_BITS is at most 60");
  static_assert(C_BITS >= 0 && C_BITS <= 60, "sl::requant: C_BITS is 0 to 60");
  static_assert(SHIFT >= 0 && SHIFT <= 60, "sl::requant: SHIFT is 0 to 60");
  static_assert(OUT_BITS >= 1 && OUT_BITS <= 32, "sl::requant: OUT_BITS is 1 to 32");
  static_assert(LO <= HI, "sl::requant: LO is at most HI");
#pragma HLS ARRAY_RESHAPE variable=mult dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=offset dim=2 complete
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  folds:
    for (int fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
      std::int64_t x[LANES];
      unpack<LANES, IN_BITS, X_SIGNED>(s.read(), x);
    lanes:
      for (int lane = 0; lane < LANES; lane++) {
        const std::int64_t product = multiply<USE_DSP>(x[lane], mult[fold][lane]);
        x[lane] = round_clip<SHIFT, ZERO, LO, HI>(product + offset[fold][lane]);
      }
      m.write(pack<LANES, OUT_BITS>(x));
    }
  }
}

template <int LANES, int FOLDS, int IN_BITS, int X_SIGNED, int M_BITS, int C_BITS, int SHIFT,
          int OUT_BITS, int LO, int HI, int ZERO, int USE_DSP, int PIXELS>
void requant(hls::stream<ap_uint<LANES * IN_BITS>>& s, hls::stream<ap_uint<LANES * OUT_BITS>>& m,
             const uword<M_BITS> (&mult)[FOLDS][LANES]) {
#pragma HLS INLINE
  static_assert(C_BITS == 0, "sl::requant: without offsets, C_BITS is 0");
  static const sword<1> none[FOLDS][LANES] = {};
  requant<LANES, FOLDS, IN_BITS, X_SIGNED, M_BITS, C_BITS, SHIFT, OUT_BITS, LO, HI, ZERO, USE_DSP,
          PIXELS>(s, m, mult, none);
}

}  // namespace sl

#endif
