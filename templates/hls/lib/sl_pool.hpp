/// Pooling with stride = kernel and no padding, by running reduction.
///
///   m[oy][ox][ch] = max or sum over ky < KH, kx < KW of s[oy*KH + ky][ox*KW + kx][ch]
///
/// In: FOLDS beats of LANES elements a pixel (channel = fold*LANES + lane), H*W pixels.
/// Out: the same order, OUT_BITS each, sums modulo 2^OUT_BITS. IS_SIGNED
/// tells two's complement elements from unsigned ones. Rows and columns beyond the last
/// whole kernel are dropped. Pixels are first reduced along their row in the registers `across`,
/// then once a kernel column with the rows above in the memory `down`. Interval: H*W*FOLDS clocks.
#ifndef SL_POOL_HPP
#define SL_POOL_HPP

#include "sl_beat.hpp"
#include "sl_combine.hpp"

namespace sl {

template <int H, int W, int FOLDS, int LANES, int BITS, int OUT_BITS, int KH, int KW, int IS_SUM,
          int IS_SIGNED>
void pool(hls::stream<ap_uint<LANES * BITS>>& s, hls::stream<ap_uint<LANES * OUT_BITS>>& m) {
  static_assert(FOLDS >= 1 && LANES >= 1 && KH >= 1 && KW >= 1,
                "sl::pool: FOLDS, LANES, KH and KW are at least 1");
  static_assert(H >= KH && W >= KW, "sl::pool: the kernel KH x KW fits into the frame H x W");
  static_assert(W * FOLDS >= 2, "sl::pool: a row has at least two beats");
  static_assert(BITS >= 1 && BITS <= 48 && OUT_BITS >= 1 && OUT_BITS <= 48,
                "sl::pool: BITS and OUT_BITS are 1 to 48");
  static_assert(IS_SUM || OUT_BITS >= BITS, "sl::pool: a maximum needs OUT_BITS >= BITS");
  constexpr int OH = H / KH, OW = W / KW;
  using Result = number<IS_SIGNED, OUT_BITS>;
  Result across[FOLDS][LANES] = {};
#pragma HLS ARRAY_PARTITION variable=across dim=0 complete
  Result down[OW * FOLDS][LANES];
#pragma HLS ARRAY_RESHAPE variable=down dim=2 complete
  // A word comes again after a row at the earliest, which has two beats or more.
#pragma HLS DEPENDENCE variable=down type=inter direction=RAW distance=2 true
  int fold = 0, x = 0, kx = 0, ox = 0, ky = 0, oy = 0;
beats:
  for (int beat = 0; beat < H * W * FOLDS; beat++) {
#pragma HLS PIPELINE II=1
    std::int64_t e[LANES];
    unpack<LANES, BITS, IS_SIGNED>(s.read(), e);
    if (ox < OW && oy < OH) {
    row_part:
      for (int lane = 0; lane < LANES; lane++) {
        if (kx > 0) e[lane] = combine<IS_SUM>(across[fold][lane], e[lane]);
        across[fold][lane] = static_cast<Result>(e[lane]);
      }
      if (kx == KW - 1) {
      column_part:
        for (int lane = 0; lane < LANES; lane++) {
          if (ky > 0) e[lane] = combine<IS_SUM>(down[ox * FOLDS + fold][lane], e[lane]);
          down[ox * FOLDS + fold][lane] = static_cast<Result>(e[lane]);
        }
        if (ky == KH - 1) m.write(pack<LANES, OUT_BITS>(e));
      }
    }
    fold = fold == FOLDS - 1 ? 0 : fold + 1;
    if (fold != 0) continue;
    x = x == W - 1 ? 0 : x + 1;
    kx = x == 0 || kx == KW - 1 ? 0 : kx + 1;
    ox = x == 0 ? 0 : kx == 0 ? ox + 1 : ox;
    if (x != 0) continue;
    ky = ky == KH - 1 ? 0 : ky + 1;
    if (ky == 0) oy++;
  }
}

}  // namespace sl

#endif
