/// Matrix-vector unit with one alpha for each input position, shared by the outputs of a beat.
///
///   m[nf][pe] = bias[nf][pe]
///             + sum over sf, simd of biased(z[sf][simd], weights[nf*SF+sf][pe][simd])
///   z[sf][simd] = x[sf][simd] * csd_K(alphas[af*SF+sf][simd]),  K = quality
///
/// modulo 2^ACC_BITS, with biased() of sl_mvu_shift, whose activation here has Z_BITS. AF = 1: one
/// sweep of alphas serves all NF, af = 0; AF = NF: each sweep has its own, af = nf. An alpha is the
/// code of its digit pairs, see sl_csd. GATE and CLOCK_GATE are of registers in the RTL.
///
/// Order: the PIXELS vectors of a frame, each NF times SF beats of SIMD activations; a beat of PE
/// accumulators leaves after every SF. Interval: PIXELS*NF*SF clocks a frame.
#ifndef SL_MVU_FILTER_CSD_HPP
#define SL_MVU_FILTER_CSD_HPP

#include "sl_csd.hpp"
#include "sl_mvu_shift.hpp"

namespace sl {

template <int SIMD, int PE, int SF, int NF, int X_BITS, int X_SIGNED, int ROWS, int AF, int Z_BITS,
          int ACC_BITS, int GATE, int CLOCK_GATE, int PIXELS>
void mvu_filter_csd(hls::stream<ap_uint<SIMD * X_BITS>>& s, hls::stream<ap_uint<PE * ACC_BITS>>& m,
                    const uword<3> (&weights)[NF * SF][PE][SIMD],
                    const uword<3 * ROWS> (&alphas)[AF * SF][SIMD],
                    const sword<ACC_BITS> (&bias)[NF][PE], ap_uint<4> quality) {
  static_assert(SIMD >= 1 && PE >= 1 && SF >= 1 && NF >= 1 && PIXELS >= 1,
                "sl::mvu_filter_csd: SIMD, PE, SF, NF and PIXELS are at least 1");
  static_assert(AF == 1 || AF == NF, "sl::mvu_filter_csd: AF is 1 or NF");
  static_assert(X_BITS >= 1 && X_BITS <= 16, "sl::mvu_filter_csd: X_BITS is 1 to 16");
  static_assert(Z_BITS >= 1 && Z_BITS <= 48, "sl::mvu_filter_csd: Z_BITS is 1 to 48");
  static_assert(ACC_BITS >= 1 && ACC_BITS <= 63, "sl::mvu_filter_csd: ACC_BITS is 1 to 63");
  static_assert(ROWS >= 1 && ROWS <= 13 && GATE >= 0 && GATE <= 3 && CLOCK_GATE >= 0 &&
                    CLOCK_GATE <= 2,
                "sl::mvu_filter_csd: ROWS is 1 to 13, GATE 0 to 3, CLOCK_GATE 0 to 2");
  uword<ACC_BITS> acc[PE];
  const unsigned k = quality.to_uint();
#pragma HLS ARRAY_PARTITION variable=acc complete
#pragma HLS ARRAY_PARTITION variable=weights dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=weights dim=3 complete
#pragma HLS ARRAY_RESHAPE variable=alphas dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=bias dim=2 complete
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  outputs:
    for (int nf = 0; nf < NF; nf++) {
    folds:
      for (int sf = 0; sf < SF; sf++) {
#pragma HLS PIPELINE II=1
        int x[SIMD];
        std::int64_t z[SIMD];
        unpack<SIMD, X_BITS, X_SIGNED>(s.read(), x);
      scales:
        for (int simd = 0; simd < SIMD; simd++) {
#pragma HLS UNROLL
          const std::uint64_t alpha = alphas[(AF == 1 ? 0 : nf) * SF + sf][simd];
          z[simd] = csd_product<ROWS>(x[simd], alpha, k);
        }
      elements:
        for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
          std::uint64_t sum = 0;
        lanes:
          for (int simd = 0; simd < SIMD; simd++) {
#pragma HLS UNROLL
            sum += shift_product<Z_BITS, X_SIGNED>(z[simd], weights[nf * SF + sf][pe][simd]);
          }
          const uword<ACC_BITS> start = sf == 0 ? uword<ACC_BITS>(bias[nf][pe]) : acc[pe];
          acc[pe] = static_cast<uword<ACC_BITS>>(start + sum);
        }
        if (sf == SF - 1) m.write(pack<PE, ACC_BITS>(acc));
      }
    }
  }
}

}  // namespace sl

#endif
