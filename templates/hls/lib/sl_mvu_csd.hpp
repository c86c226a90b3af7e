/// Matrix-vector unit on signed digits: K digits of each weight, no multiplier.
///
///   m[nf][pe] = bias[nf][pe] + sum over sf, simd of x[sf][simd] * csd_K(w[nf][pe][sf][simd])
///
/// modulo 2^ACC_BITS, with K = quality. A weight is the code of its digit pairs, see sl_csd.
///
/// Order: the PIXELS vectors of a frame, each NF times SF beats of SIMD activations; a beat of PE
/// accumulators leaves after every SF. Interval: PIXELS*NF*SF clocks a frame. GATE and CLOCK_GATE
/// choose registers of the RTL and mean nothing here.
#ifndef SL_MVU_CSD_HPP
#define SL_MVU_CSD_HPP

#include "sl_csd.hpp"

namespace sl {

template <int SIMD, int PE, int SF, int NF, int X_BITS, int X_SIGNED, int ROWS, int ACC_BITS,
          int GATE, int CLOCK_GATE, int PIXELS>
void mvu_csd(hls::stream<ap_uint<SIMD * X_BITS>>& s, hls::stream<ap_uint<PE * ACC_BITS>>& m,
             const uword<3 * ROWS> (&weights)[NF * SF][PE][SIMD],
             const sword<ACC_BITS> (&bias)[NF][PE], ap_uint<4> quality) {
  static_assert(SIMD >= 1 && PE >= 1 && SF >= 1 && NF >= 1 && PIXELS >= 1,
                "sl::mvu_csd: SIMD, PE, SF, NF and PIXELS are at least 1");
  static_assert(X_BITS >= 1 && X_BITS <= 24, "sl::mvu_csd: X_BITS is 1 to 24");
  static_assert(ROWS >= 1 && ROWS <= 13, "sl::mvu_csd: ROWS is 1 to 13");
  static_assert(ACC_BITS >= 1 && ACC_BITS <= 63, "sl::mvu_csd: ACC_BITS is 1 to 63");
  const unsigned k = quality.to_uint();
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
        std::int64_t x[SIMD];
        unpack<SIMD, X_BITS, X_SIGNED>(s.read(), x);
      elements:
        for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
          std::int64_t sum = 0;
        lanes:
          for (int simd = 0; simd < SIMD; simd++) {
#pragma HLS UNROLL
            sum += csd_product<ROWS>(x[simd], weights[nf * SF + sf][pe][simd], k);
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
