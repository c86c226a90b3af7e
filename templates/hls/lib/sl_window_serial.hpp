/// Sliding window over deep feature maps: reads the taps of every output in turn from a memory.
///
/// In: H*W pixels, each C/SIMD beats of SIMD elements. Out: for each of OH*OW output pixels and
/// each of GROUPS groups of channels, NF times the taps (kh, kw) of the group's channels in beats
/// of SIMD elements. Tap (kh, kw) of output (oy, ox) is pixel
/// (oy*SH - PT + kh*DH, ox*SW - PL + kw*DW), or PAD_VALUE outside the frame; padding at the bottom
/// and right follows from OH and OW.
///
/// One loop runs two parts side by side, each at most one beat a clock:
///   walk   the taps of all outputs are read from the ring, when they are there;
///   store  a beat goes into the ring of at least ROWS rows, when its word is free.
/// Words are counted through the frame and lie in the ring modulo its size, a power of two.
/// Interval: max(H*W*C/SIMD, OH*OW*NF*KH*KW*C/SIMD) clocks and the latency of the first window.
#ifndef SL_WINDOW_SERIAL_HPP
#define SL_WINDOW_SERIAL_HPP

#include "sl_beat.hpp"

namespace sl {

constexpr int power_of_two(int least) { return least <= 1 ? 1 : 2 * power_of_two((least + 1) / 2); }

template <int H, int W, int C, int BITS, int KH, int KW, int SH, int SW, int DH, int DW, int PT,
          int PL, int OH, int OW, int SIMD, int GROUPS, int NF, int ROWS, int PAD_VALUE>
void window_serial(hls::stream<ap_uint<SIMD * BITS>>& s, hls::stream<ap_uint<SIMD * BITS>>& m) {
  static_assert(H >= 1 && W >= 1 && C >= 1 && KH >= 1 && KW >= 1 && SH >= 1 && SW >= 1,
                "sl::window_serial: H, W, C, KH, KW, SH and SW are at least 1");
  static_assert(DH >= 1 && DW >= 1 && OH >= 1 && OW >= 1 && NF >= 1 && ROWS >= 1,
                "sl::window_serial: DH, DW, OH, OW, NF and ROWS are at least 1");
  static_assert(BITS >= 1 && BITS <= 32, "sl::window_serial: BITS is 1 to 32");
  static_assert(C % GROUPS == 0 && C / GROUPS % SIMD == 0,
                "sl::window_serial: SIMD divides C/GROUPS");
  static_assert(PT >= 0 && PT <= (KH - 1) * DH && PL >= 0 && PL <= (KW - 1) * DW,
                "sl::window_serial: padding PT and PL is at least 0 and smaller than the kernel");
  static_assert((OH - 1) * SH - PT < H && (OW - 1) * SW - PL < W,
                "sl::window_serial: the last output pixel overlaps the frame");
  constexpr int PIXEL = C / SIMD;
  constexpr int WORDS = PIXEL / GROUPS;
  constexpr int ROW = W * PIXEL;
  constexpr int REACH = (KW - 1) * DW < W - 1 + PL ? (KW - 1) * DW : W - 1 + PL;
  constexpr int NEEDED = (KH - 1) * DH * ROW + (REACH + 1) * PIXEL;
  constexpr int DEPTH = power_of_two(ROWS * ROW > NEEDED ? ROWS * ROW : NEEDED);
  constexpr int ACROSS = (KW - 1) * DW * PIXEL + WORDS - 1;  // over a kernel row
  constexpr int WINDOW = (KH - 1) * DH * ROW + ACROSS;       // over a group's window
  constexpr int BACK = WINDOW + (GROUPS - 1) * WORDS;        // over all groups
  constexpr int TO_ROW = SH * ROW - (OW - 1) * SW * PIXEL;
  uword<BITS> pads[SIMD];
#pragma HLS ARRAY_PARTITION variable=pads complete
padding:
  for (int i = 0; i < SIMD; i++) pads[i] = static_cast<uword<BITS>>(PAD_VALUE & mask(BITS));
  const ap_uint<SIMD * BITS> pad = pack<SIMD, BITS>(pads);

  ap_uint<SIMD * BITS> ring[DEPTH];
  // `settled` lets a word be read two slots after it was stored at the earliest, so within a slot
  // the two parts never meet at a word; `first` keeps what is still to be read.
#pragma HLS DEPENDENCE variable=ring type=inter direction=RAW distance=2 true
#pragma HLS DEPENDENCE variable=ring type=intra false
  int stored = 0, settled = 0;
  int word = 0, kw = 0, kh = 0, pass = 0, group = 0, ow = 0, oh = 0;  // the tap read next
  int y = -PT, x = -PL;                                               // its pixel
  int first = -(PT * W + PL) * PIXEL, tap = first;  // word of the output's tap (0, 0), and its own
  bool walking = true;
slots:
  while (walking || stored < H * ROW) {
#pragma HLS PIPELINE II=1
    const bool real = y >= 0 && y < H && x >= 0 && x < W;
    const bool arrived = settled > tap;
    const bool room = !walking || stored < first + DEPTH;
    settled = stored;

    if (walking && (!real || arrived)) {
      const bool word_end = word == WORDS - 1;
      const bool kw_end = word_end && kw == KW - 1;
      const bool kh_end = kw_end && kh == KH - 1;
      const bool pass_end = kh_end && pass == NF - 1;
      const bool group_end = pass_end && group == GROUPS - 1;
      const bool row_end = group_end && ow == OW - 1;
      m.write(real ? ring[tap & (DEPTH - 1)] : pad);

      const int to_output = row_end ? TO_ROW : SW * PIXEL;
      tap += !word_end    ? 1
             : !kw_end    ? DW * PIXEL - (WORDS - 1)
             : !kh_end    ? DH * ROW - ACROSS
             : !pass_end  ? -WINDOW
             : !group_end ? WORDS - WINDOW
                          : to_output - BACK;
      if (group_end) first += to_output;
      if (word_end) x += kw_end ? -(KW - 1) * DW : DW;
      if (kw_end) y += kh_end ? -(KH - 1) * DH : DH;
      if (group_end) x = row_end ? -PL : x + SW;
      if (row_end) y += SH;

      word = word_end ? 0 : word + 1;
      if (word_end) kw = kw_end ? 0 : kw + 1;
      if (kw_end) kh = kh_end ? 0 : kh + 1;
      if (kh_end) pass = pass_end ? 0 : pass + 1;
      if (pass_end) group = group_end ? 0 : group + 1;
      if (group_end) ow = row_end ? 0 : ow + 1;
      if (row_end) oh++;
      walking = oh < OH;
    }

    if (stored < H * ROW && room) {
      ring[stored & (DEPTH - 1)] = s.read();
      stored++;
    }
  }
}

}  // namespace sl

#endif
