/// Matrix-vector unit of shift-and-add elements: run-time 3-bit QSQ weights, no multiplier.
///
///   m[nf][pe] = bias[nf][pe]
///             + sum over sf, simd of biased(x[sf][simd], weights[nf*SF+sf][pe][simd])
///
/// modulo 2^ACC_BITS. Codes: 000 = 0, 001 = +1, 010 = +2, 011 = +4, 100 = -1, 101 = -2, 110 = -4,
/// 111 = 0. With P = X_BITS + 2, a product is ones-complement negated and, for signed activations,
/// its top bit inverted:
///
///   biased(x, w) = (negative(w) ? ~(|w|*x) : |w|*x) + (X_SIGNED ? 2^(P-1) : 0)  modulo 2^P
///
/// so each of its P bits is one LUT6 of (x[i], x[i-1], x[i-2], code), and no sign is extended. The
/// bias carries the correction: plain bias + number of negative codes * (1 - 2^P), or, for signed
/// activations, plain bias + number of negative codes - 2^(P-1)*SIMD*SF.
///
/// Order: the PIXELS vectors of a frame, each NF times SF beats of SIMD activations; a beat of PE
/// accumulators leaves after every SF. Interval: PIXELS*NF*SF clocks a frame.
#ifndef SL_MVU_SHIFT_HPP
#define SL_MVU_SHIFT_HPP

#include "sl_beat.hpp"

namespace sl {

/// biased(x, code) of the header above, for an activation in a native integer of any size.
template <int X_BITS, int X_SIGNED, typename T>
std::make_unsigned_t<T> shift_product(T x, unsigned code) {
#pragma HLS INLINE
  const unsigned negative = code >= 4;
  const unsigned level = (code + negative) & 3;  // 0: 0, 1: x, 2: 2x, 3: 4x
  const T magnitude = (x & -(level == 1)) | (2 * x & -(level == 2)) | (4 * x & -(level == 3));
  const T product = magnitude ^ -(negative && level != 0);
  constexpr T TOP = T(1) << (X_BITS + 1);
  return (static_cast<std::make_unsigned_t<T>>(product) & (2 * TOP - 1)) ^ (X_SIGNED ? TOP : 0);
}

template <int SIMD, int PE, int SF, int NF, int X_BITS, int X_SIGNED, int ACC_BITS, int PIXELS>
void mvu_shift(hls::stream<ap_uint<SIMD * X_BITS>>& s, hls::stream<ap_uint<PE * ACC_BITS>>& m,
               const uword<3> (&weights)[NF * SF][PE][SIMD],
               const sword<ACC_BITS> (&bias)[NF][PE]) {
  static_assert(SIMD >= 1 && PE >= 1 && SF >= 1 && NF >= 1 && PIXELS >= 1,
                "sl::mvu_shift: SIMD, PE, SF, NF and PIXELS are at least 1");
  static_assert(X_BITS >= 1 && X_BITS <= 16, "sl::mvu_shift: X_BITS is 1 to 16");
  static_assert(SIMD <= 4096, "sl::mvu_shift: SIMD is at most 4096");
  static_assert(ACC_BITS >= 1 && ACC_BITS <= 63, "sl::mvu_shift: ACC_BITS is 1 to 63");
  uword<ACC_BITS> acc[PE];
#pragma HLS ARRAY_PARTITION variable=acc complete
#pragma HLS ARRAY_PARTITION variable=weights dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=weights dim=3 complete
#pragma HLS ARRAY_RESHAPE variable=bias dim=2 complete
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  outputs:
    for (int nf = 0; nf < NF; nf++) {
    folds:
      for (int sf = 0; sf < SF; sf++) {
#pragma HLS PIPELINE II=1
        int x[SIMD];
        unpack<SIMD, X_BITS, X_SIGNED>(s.read(), x);
      elements:
        for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
          unsigned sum = 0;
        lanes:
          for (int simd = 0; simd < SIMD; simd++) {
#pragma HLS UNROLL
            sum += shift_product<X_BITS, X_SIGNED>(x[simd], weights[nf * SF + sf][pe][simd]);
          }
          const uword<ACC_BITS> start = sf == 0 ? uword<ACC_BITS>(bias[nf][pe]) : acc[pe];
          acc[pe] = start + sum;
        }
        if (sf == SF - 1) m.write(pack<PE, ACC_BITS>(acc));
      }
    }
  }
}

}  // namespace sl

#endif
