/// Sum of two streams: y = clip(round_half_even((m1 * a + m2 * b + c) / 2^SHIFT) + ZERO, LO, HI).
///
/// In: BEATS beats of LANES elements a frame on each stream, a of A_BITS and b of B_BITS, signed
/// where A_SIGNED and B_SIGNED; out: the same order, the low OUT_BITS of y. The constants are signed:
/// factor = {m1, m2} of M_BITS, offset = {c} of C_BITS. USE_DSP chooses the multipliers: 1 DSP
/// blocks, 0 logic. Interval: BEATS clocks a frame.
#ifndef SL_ADD_HPP
#define SL_ADD_HPP

#include "sl_beat.hpp"
#include "sl_round.hpp"

namespace sl {

template <int LANES, int A_BITS, int A_SIGNED, int B_BITS, int B_SIGNED, int M_BITS, int C_BITS,
          int SHIFT, int OUT_BITS, int LO, int HI, int ZERO, int USE_DSP, int BEATS>
void add(hls::stream<ap_uint<LANES * A_BITS>>& s0, hls::stream<ap_uint<LANES * B_BITS>>& s1,
         hls::stream<ap_uint<LANES * OUT_BITS>>& m, const sword<M_BITS> (&factor)[2],
         const sword<C_BITS> (&offset)[1]) {
  static_assert(LANES >= 1 && BEATS >= 1, "sl::add: LANES and BEATS are at least 1");
  static_assert(A_BITS >= 1 && A_BITS <= 16 && B_BITS >= 1 && B_BITS <= 16,
                "sl::add: A_BITS and B_BITS are 1 to 16");
  static_assert(M_BITS >= 1 && M_BITS <= 40, "sl::add: M_BITS is 1 to 40");
  static_assert(C_BITS >= 1 && C_BITS <= 60, "sl::add: C_BITS is 1 to 60");
  static_assert(SHIFT >= 0 && SHIFT <= 60, "sl::add: SHIFT is 0 to 60");
  static_assert(OUT_BITS >= 1 && OUT_BITS <= 32, "sl::add: OUT_BITS is 1 to 32");
  static_assert(LO <= HI, "sl::add: LO is at most HI");
#pragma HLS ARRAY_PARTITION variable=factor complete
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II=1
    std::int64_t a[LANES];
    std::int64_t b[LANES];
    unpack<LANES, A_BITS, A_SIGNED>(s0.read(), a);
    unpack<LANES, B_BITS, B_SIGNED>(s1.read(), b);
  lanes:
    for (int lane = 0; lane < LANES; lane++) {
      const std::int64_t scaled_a = multiply<USE_DSP>(a[lane], factor[0]);
      const std::int64_t scaled_b = multiply<USE_DSP>(b[lane], factor[1]);
      a[lane] = round_clip<SHIFT, ZERO, LO, HI>(scaled_a + scaled_b + offset[0]);
    }
    m.write(pack<LANES, OUT_BITS>(a));
  }
}

}  // namespace sl

#endif
