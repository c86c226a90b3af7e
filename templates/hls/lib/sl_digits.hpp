/// Takes beats of ELEMS elements apart into digits, the most significant first.
///
///   digit d of DIGITS = ceil(BITS / DIGIT):  y[i] = bits [(DIGITS-1-d)*DIGIT +: DIGIT] of x[i]
///
/// where x[i] is extended to DIGITS*DIGIT bits, by its sign if IS_SIGNED. BEATS is the number of input beats a frame. Interval: one clock a digit.
#ifndef SL_DIGITS_HPP
#define SL_DIGITS_HPP

#include "sl_beat.hpp"

namespace sl {

template <int ELEMS, int BITS, int DIGIT, int IS_SIGNED, int BEATS>
void digits(hls::stream<ap_uint<ELEMS * BITS>>& s, hls::stream<ap_uint<ELEMS * DIGIT>>& m) {
  static_assert(ELEMS >= 1 && DIGIT >= 1 && BEATS >= 1,
                "sl::digits: ELEMS, DIGIT and BEATS are at least 1");
  static_assert(BITS >= 1 && BITS <= 32, "sl::digits: BITS is 1 to 32");
  static_assert(DIGIT <= BITS, "sl::digits: DIGIT is at most BITS");
  constexpr int DIGITS = (BITS + DIGIT - 1) / DIGIT;
  number<IS_SIGNED, BITS> x[ELEMS] = {};
#pragma HLS ARRAY_PARTITION variable=x complete
beats:
  for (int beat = 0; beat < BEATS; beat++) {
  digits:
    for (int d = 0; d < DIGITS; d++) {
#pragma HLS PIPELINE II=1
      if (d == 0) unpack<ELEMS, BITS, IS_SIGNED>(s.read(), x);
      uword<DIGIT> y[ELEMS];
    elements:
      for (int i = 0; i < ELEMS; i++)
        y[i] = static_cast<uword<DIGIT>>(x[i] >> ((DIGITS - 1 - d) * DIGIT) & mask(DIGIT));
      m.write(pack<ELEMS, DIGIT>(y));
    }
  }
}

}  // namespace sl

#endif
