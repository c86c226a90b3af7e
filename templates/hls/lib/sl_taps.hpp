/// Convolution in transposed form: the sums of all taps of each pixel are added along a chain.
///
///   m[oy][ox][c] = bias[c] + sum over kh, kw of
///                  s[oy*SH - PT + kh*DH][ox*SW - PL + kw*DW][kh][kw][c]  modulo 2^ACC_BITS
///
/// Taps outside the frame add nothing. In: H*W pixels of FOLDS beats of KH*KW tap sums of LANES
/// channels; element (kh*KW + kw)*LANES + l of fold f is tap (kh, kw) of channel f*LANES + l. Out:
/// OH*OW pixels of FOLDS beats of LANES sums. The partial sum of an output goes from tap to tap, DW
/// pixels late within a kernel row and the rest of DH rows late between two of them.
///
/// A call is a frame: the walk over rows of COLUMNS pixels begins PT rows and PL pixels before it
/// and ends with its last output. Interval: FOLDS clocks for each of these pixels; the RTL overlaps
/// the ends of frames that follow each other.
#ifndef SL_TAPS_HPP
#define SL_TAPS_HPP

#include "sl_beat.hpp"

namespace sl {

constexpr int largest(int a, int b, int c) {
  return a > b ? (a > c ? a : c) : (b > c ? b : c);
}

template <int H, int W, int KH, int KW, int SH, int SW, int DH, int DW, int PT, int PL, int OH,
          int OW, int FOLDS, int LANES, int BITS, int ACC_BITS>
void taps(hls::stream<beat<KH * KW * LANES, BITS>>& s, hls::stream<beat<LANES, ACC_BITS>>& m,
          const sword<ACC_BITS> (&bias)[FOLDS][LANES]) {
  static_assert(H >= 1 && W >= 1 && KH >= 1 && KW >= 1 && SH >= 1 && SW >= 1 && DH >= 1 && DW >= 1,
                "sl::taps: H, W, KH, KW, SH, SW, DH and DW are at least 1");
  static_assert(OH >= 1 && OW >= 1 && FOLDS >= 1 && LANES >= 1,
                "sl::taps: OH, OW, FOLDS and LANES are at least 1");
  static_assert(PT >= 0 && PT <= (KH - 1) * DH && PL >= 0 && PL <= (KW - 1) * DW,
                "sl::taps: padding PT and PL is at least 0 and smaller than the kernel");
  constexpr int SPAN_Y = (KH - 1) * DH;
  constexpr int SPAN_X = (KW - 1) * DW;
  constexpr int END_Y = (OH - 1) * SH;  // the last output of stride 1 that is needed
  constexpr int END_X = (OW - 1) * SW;
  constexpr int COLUMNS = largest(W, END_X + 1, SPAN_X + 1);
  constexpr int BEFORE = PT * COLUMNS + PL;  // pixels of the walk before the frame
  constexpr int ENDS = (END_Y + SPAN_Y) * COLUMNS + END_X + SPAN_X + 1;  // until the last output
  constexpr int FRAME = BEFORE + (H - 1) * COLUMNS + W;                  // until the last input
  constexpr int PIXELS = ENDS > FRAME ? ENDS : FRAME;
  constexpr int ACROSS = DW * FOLDS;
  constexpr int DOWN = (DH * COLUMNS - SPAN_X) * FOLDS;
  constexpr int TAPS = KH * KW;

  sword<ACC_BITS> across[ACROSS][TAPS][LANES];  // partial sums on their way to the next tap
  sword<ACC_BITS> down[DOWN][KH][LANES];
#pragma HLS ARRAY_PARTITION variable=across dim=2 complete
#pragma HLS ARRAY_PARTITION variable=across dim=3 complete
#pragma HLS ARRAY_PARTITION variable=down dim=2 complete
#pragma HLS ARRAY_PARTITION variable=down dim=3 complete
  int y = BEFORE ? -PT - (PL > 0 ? 1 : 0) : 0;
  int x = PL > 0 ? COLUMNS - PL : 0;
  int out_y = -SPAN_Y, out_x = -SPAN_X;  // the output of stride 1 whose last tap is at this pixel
  if (out_x < 0) {
    out_x += COLUMNS;
    out_y--;
  }
  int place = 0, row_place = 0;
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  folds:
    for (int fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
#pragma HLS DEPENDENCE variable=across type=intra false
#pragma HLS DEPENDENCE variable=down type=intra false
      const bool real = y >= 0 && y < H && x < W;
      sword<BITS> given[TAPS * LANES] = {};
#pragma HLS ARRAY_PARTITION variable=given complete
      if (real) {
        const beat<TAPS * LANES, BITS> word = s.read();
        unpack<TAPS * LANES, BITS, 1>(word, given);
      }
      sword<ACC_BITS> sum[TAPS][LANES];
#pragma HLS ARRAY_PARTITION variable=sum dim=0 complete
    kernel_rows:
      for (int kh = 0; kh < KH; kh++) {
#pragma HLS UNROLL
      kernel_columns:
        for (int kw = 0; kw < KW; kw++) {
#pragma HLS UNROLL
          const int column = x - kw * DW + PL;  // of the tap's output, if it is in this row
          const bool ok = real && column >= 0 && column < COLUMNS;
          const int tap = kh * KW + kw;
        lanes:
          for (int lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
            const std::int64_t arriving = kw > 0   ? across[place][tap - 1][lane]
                                          : kh > 0 ? down[row_place][kh - 1][lane]
                                                   : bias[fold][lane];
            const std::int64_t own = ok ? static_cast<std::int64_t>(given[tap * LANES + lane]) : 0;
            sum[tap][lane] = static_cast<sword<ACC_BITS>>(arriving + own);
          }
        }
      }
      if (out_y >= 0 && out_y <= END_Y && out_y % SH == 0 && out_x <= END_X && out_x % SW == 0)
        m.write(pack<LANES, ACC_BITS>(sum[TAPS - 1]));
    kept:
      for (int tap = 0; tap < TAPS; tap++) {
#pragma HLS UNROLL
        for (int lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
          across[place][tap][lane] = sum[tap][lane];
          if (tap % KW == KW - 1) down[row_place][tap / KW][lane] = sum[tap][lane];
        }
      }
      place = place == ACROSS - 1 ? 0 : place + 1;
      row_place = row_place == DOWN - 1 ? 0 : row_place + 1;
    }
    x = x == COLUMNS - 1 ? 0 : x + 1;
    if (x == 0) y++;
    out_x = out_x == COLUMNS - 1 ? 0 : out_x + 1;
    if (out_x == 0) out_y++;
  }
}

}  // namespace sl

#endif
