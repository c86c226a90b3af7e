/// Sliding window: pixels in raster order to the taps of every output pixel, for NF passes.
///
/// In: one pixel of C elements a beat, H*W beats. Out: for each of OH*OW output pixels, NF times
/// the KH*KW*C elements (kh, kw, c) in SF = KH*KW*C/SIMD beats. Tap (kh, kw) of output (oy, ox) is
/// pixel (oy*SH - PT + kh, ox*SW - PL + kw), or PAD_VALUE outside the frame; padding at the bottom
/// and right follows from OH and OW. With elements in digits, a pixel is DIGITS beats, here called
/// columns, and an output is DIGITS windows of one digit each.
///
/// One loop runs three parts side by side, each at most one step a clock:
///   store  a pixel goes into a circular buffer of ROWS row banks, when its bank is free;
///   scan   a column of KH pixels is shifted into the window, one slot a clock; a slot that
///          completes an output copies the masked window into the hold register;
///   emit   the hold register leaves in SF*NF beats.
/// The scan runs on from row to row, PITCH slots each: while the right-padded outputs of a row are
/// made, the window already takes the first columns of the row below, and the mask hides them. So
/// padding costs no slots, and below the frame no data either. Interval: max(H*COLUMNS, OH*PITCH,
/// OH*WINDOWS*SF*NF) clocks and the latency of filling KH rows.
#ifndef SL_WINDOW_HPP
#define SL_WINDOW_HPP

#include "sl_beat.hpp"

namespace sl {

template <int H, int W, int C, int BITS, int KH, int KW, int SH, int SW, int PT, int PL, int OH,
          int OW, int SIMD, int NF, int ROWS, int PAD_VALUE, int DIGITS>
void window(hls::stream<ap_uint<C * BITS>>& s, hls::stream<ap_uint<SIMD * BITS>>& m) {
  static_assert(H >= 1 && W >= 1 && C >= 1 && KH >= 1 && KW >= 1 && SH >= 1 && SW >= 1,
                "sl::window: H, W, C, KH, KW, SH and SW are at least 1");
  static_assert(OH >= 1 && OW >= 1 && SIMD >= 1 && NF >= 1 && DIGITS >= 1,
                "sl::window: OH, OW, SIMD, NF and DIGITS are at least 1");
  static_assert(BITS >= 1 && BITS <= 32, "sl::window: BITS is 1 to 32");
  static_assert(KH * KW * C % SIMD == 0, "sl::window: SIMD divides KH*KW*C");
  static_assert(PT >= 0 && PT < KH && PL >= 0 && PL < KW,
                "sl::window: padding PT and PL is at least 0 and smaller than the kernel");
  static_assert((OH - 1) * SH - PT < H && (OW - 1) * SW - PL < W,
                "sl::window: the last output pixel overlaps the frame");
  static_assert(ROWS >= KH, "sl::window: ROWS is at least KH");
  constexpr int TAPS = KH * KW * C;
  constexpr int SF = TAPS / SIMD;
  constexpr int COLUMNS = W * DIGITS;
  constexpr int WINDOWS = OW * DIGITS;
  constexpr int SPAN = (KW - 1) * DIGITS + 1;                 // columns from a window's first on
  constexpr int REACH = (OW - 1) * SW * DIGITS + DIGITS - 1;  // slots from first to last window
  constexpr int PITCH = REACH + 1 > COLUMNS ? REACH + 1 : COLUMNS;
  using element = uword<BITS>;
  const element pad = static_cast<element>(PAD_VALUE & mask(BITS));

  element rows[ROWS][COLUMNS][C];
#pragma HLS ARRAY_PARTITION variable=rows dim=1 complete
#pragma HLS ARRAY_RESHAPE variable=rows dim=3 complete
  // `settled` lets a pixel be scanned two slots after it was stored at the earliest, so within a
  // slot the two parts never meet at a pixel; `room` keeps what is still to be scanned.
#pragma HLS DEPENDENCE variable=rows type=inter direction=RAW distance=2 true
#pragma HLS DEPENDENCE variable=rows type=intra false
  element taps[KH][SPAN][C] = {};
#pragma HLS ARRAY_PARTITION variable=taps dim=0 complete
  element hold[TAPS] = {};
#pragma HLS ARRAY_PARTITION variable=hold complete

  int stored = 0, settled = 0, store_y = 0, store_x = 0, store_bank = 0;
  int row = 0, column = 0, top = -PT, bank = (ROWS - PT % ROWS) % ROWS;  // of the scan
  int scanned = 0, wait = (KW - 1 - PL) * DIGITS;  // windows, slots to the next one
  int left = -PL, digit = 0;                       // its first pixel and its digit
  int emitted = 0, fold = 0, pass = 0;
  bool held = false;
slots:
  while (emitted < OH * WINDOWS * NF * SF || stored < H * COLUMNS) {
#pragma HLS PIPELINE II=1
    const bool scanning = scanned < OH * WINDOWS;
    const bool room = !scanning || row >= OH || store_y < (top < 0 ? 0 : top) + ROWS;
    const int newest = top + KH > H ? H - 1 : top + KH - 1;
    const bool real = row < OH && column < COLUMNS;
    const bool available = !real || settled > newest * COLUMNS + column;
    settled = stored;

    if (held) {
      element slice[SIMD];
    emit:
      for (int i = 0; i < SIMD; i++) slice[i] = hold[fold * SIMD + i];
      m.write(pack<SIMD, BITS>(slice));
      emitted++;
      fold = fold == SF - 1 ? 0 : fold + 1;
      if (fold == 0) pass = pass == NF - 1 ? 0 : pass + 1;
      held = fold != 0 || pass != 0;
    }

    if (scanning && available && !(wait == 0 && held)) {
    scan:
      for (int kh = 0; kh < KH; kh++) {
        const bool inside = real && top + kh >= 0 && top + kh < H;
        const int from = bank + kh < ROWS ? bank + kh : bank + kh - ROWS;
        for (int c = 0; c < C; c++) {
          for (int x = 0; x < SPAN - 1; x++) taps[kh][x][c] = taps[kh][x + 1][c];
          taps[kh][SPAN - 1][c] = inside ? rows[from][column][c] : pad;
        }
      }
      if (wait == 0) {
      mask_columns:
        for (int kw = 0; kw < KW; kw++) {
          const bool inside = left + kw >= 0 && left + kw < W;
          for (int kh = 0; kh < KH; kh++)
            for (int c = 0; c < C; c++)
              hold[(kh * KW + kw) * C + c] = inside ? taps[kh][kw * DIGITS][c] : pad;
        }
        held = true;
        scanned++;
        const bool last = left == (OW - 1) * SW - PL;
        const bool whole = digit == DIGITS - 1;
        wait = !whole ? 1 : last ? PITCH - REACH : (SW - 1) * DIGITS + 1;
        if (whole) left = last ? -PL : left + SW;
        digit = whole ? 0 : digit + 1;
      }
      wait--;
      column = column == PITCH - 1 ? 0 : column + 1;
      if (column == 0) {
        row++;
        top += SH;
        bank = bank + SH % ROWS < ROWS ? bank + SH % ROWS : bank + SH % ROWS - ROWS;
      }
    }

    if (stored < H * COLUMNS && room) {
      element pixel[C];
      unpack<C, BITS, 0>(s.read(), pixel);
    store:
      for (int c = 0; c < C; c++) rows[store_bank][store_x][c] = pixel[c];
      stored++;
      store_x = store_x == COLUMNS - 1 ? 0 : store_x + 1;
      if (store_x == 0) {
        store_y++;
        store_bank = store_bank == ROWS - 1 ? 0 : store_bank + 1;
      }
    }
  }
}

}  // namespace sl

#endif
