/// Requantization by the K most significant signed digits of each multiplier:
/// y = clip(round_half_even((x * csd_K(M) + C) / 2^SHIFT) + ZERO, LO, HI), M and C per channel.
///
/// In: FOLDS beats of LANES elements of IN_BITS a pixel, signed where X_SIGNED, PIXELS pixels a
/// frame; out: the same order, the low OUT_BITS of y. M is `mult[fold][lane]`, codes of ROWS pairs
/// of digits, see sl_csd; C is signed, `offset[fold][lane]`, of C_BITS, and absent where
/// C_BITS is 0. GATE is of the RTL only. K is `quality`. Interval: PIXELS*FOLDS clocks a frame.
#ifndef SL_REQUANT_CSD_HPP
#define SL_REQUANT_CSD_HPP

#include "sl_csd.hpp"
#include "sl_round.hpp"

namespace sl {

template <int LANES, int FOLDS, int IN_BITS, int X_SIGNED, int ROWS, int C_BITS, int SHIFT,
          int OUT_BITS, int LO, int HI, int ZERO, int GATE, int PIXELS>
void requant_csd(hls::stream<ap_uint<LANES * IN_BITS>>& s,
                 hls::stream<ap_uint<LANES * OUT_BITS>>& m,
                 const uword<3 * ROWS> (&mult)[FOLDS][LANES],
                 const sword<C_BITS + (C_BITS == 0)> (&offset)[FOLDS][LANES], ap_uint<4> quality) {
  static_assert(LANES >= 1 && FOLDS >= 1 && PIXELS >= 1,
                "sl::requant_csd: LANES, FOLDS and PIXELS are at least 1");
  static_assert(IN_BITS >= 1 && ROWS >= 1 && IN_BITS + 2 * ROWS <= 60,
                "sl::requant_csd: IN_BITS + 2 * ROWS is at most 60");
  static_assert(C_BITS >= 0 && C_BITS <= 60, "sl::requant_csd: C_BITS is 0 to 60");
  static_assert(SHIFT >= 0 && SHIFT <= 60, "sl::requant_csd: SHIFT is 0 to 60");
  static_assert(OUT_BITS >= 1 && OUT_BITS <= 32, "sl::requant_csd: OUT_BITS is 1 to 32");
  static_assert(LO <= HI, "sl::requant_csd: LO is at most HI");
  static_assert(GATE >= 0 && GATE <= 3, "sl::requant_csd: GATE is 0 to 3");
#pragma HLS ARRAY_RESHAPE variable=mult dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=offset dim=2 complete
  const unsigned k = quality.to_uint();
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  folds:
    for (int fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
      std::int64_t x[LANES];
      unpack<LANES, IN_BITS, X_SIGNED>(s.read(), x);
    lanes:
      for (int lane = 0; lane < LANES; lane++) {
        const std::int64_t product = csd_product<ROWS>(x[lane], mult[fold][lane], k);
        x[lane] = round_clip<SHIFT, ZERO, LO, HI>(product + offset[fold][lane]);
      }
      m.write(pack<LANES, OUT_BITS>(x));
    }
  }
}

template <int LANES, int FOLDS, int IN_BITS, int X_SIGNED, int ROWS, int C_BITS, int SHIFT,
          int OUT_BITS, int LO, int HI, int ZERO, int GATE, int PIXELS>
void requant_csd(hls::stream<ap_uint<LANES * IN_BITS>>& s,
                 hls::stream<ap_uint<LANES * OUT_BITS>>& m,
                 const uword<3 * ROWS> (&mult)[FOLDS][LANES], ap_uint<4> quality) {
#pragma HLS INLINE
  static_assert(C_BITS == 0, "sl::requant_csd: without offsets, C_BITS is 0");
  static const sword<1> none[FOLDS][LANES] = {};
  requant_csd<LANES, FOLDS, IN_BITS, X_SIGNED, ROWS, C_BITS, SHIFT, OUT_BITS, LO, HI, ZERO, GATE,
              PIXELS>(s, m, mult, none, quality);
}

}  // namespace sl

#endif
