/// Matrix-vector unit with one alpha for each short vector of an output's weights.
///
///   v = sum over the LENGTH terms of a vector of x * beta, by shifts and additions
///   m[nf][pe] = bias[nf][pe] + sum over the vectors of v * csd_K(alpha),  K = quality
///
/// modulo 2^ACC_BITS. LENGTH = VF*SIMD/VECTORS: a vector takes VF beats (VECTORS = 1), or VECTORS
/// vectors share a beat (VF = 1). Products are those of sl_mvu_shift; a vector starts from what
/// they lack, which follows from counts[word][pe][vector], its number of negative codes. V_BITS
/// and Z_BITS hold every v, and every v * csd_K(alpha), both signed. An alpha is the code of its
/// digit pairs, see sl_csd. GATE and CLOCK_GATE are of registers in the RTL.
///
/// Order: the PIXELS vectors of activations of a frame, each NF times SF beats of SIMD activations;
/// a beat of PE accumulators leaves after every SF. Interval: PIXELS*NF*SF clocks a frame.
#ifndef SL_MVU_CHANNEL_CSD_HPP
#define SL_MVU_CHANNEL_CSD_HPP

#include "sl_csd.hpp"
#include "sl_mvu_shift.hpp"

namespace sl {

constexpr int count_bits(int count) { return count == 0 ? 0 : 1 + count_bits(count / 2); }

template <int SIMD, int PE, int SF, int NF, int X_BITS, int X_SIGNED, int VF, int VECTORS,
          int V_BITS, int ROWS, int Z_BITS, int ACC_BITS, int GATE, int CLOCK_GATE, int PIXELS>
void mvu_channel_csd(hls::stream<ap_uint<SIMD * X_BITS>>& s, hls::stream<ap_uint<PE * ACC_BITS>>& m,
                     const uword<3> (&weights)[NF * SF][PE][SIMD],
                     const uword<count_bits(VF * SIMD / VECTORS)>
                         (&counts)[NF * SF / VF][PE][VECTORS],
                     const uword<3 * ROWS> (&alphas)[NF * SF / VF][PE][VECTORS],
                     const sword<ACC_BITS> (&bias)[NF][PE], ap_uint<4> quality) {
  static_assert(SIMD >= 1 && PE >= 1 && SF >= 1 && NF >= 1 && PIXELS >= 1,
                "sl::mvu_channel_csd: SIMD, PE, SF, NF and PIXELS are at least 1");
  static_assert(SF % VF == 0 && SIMD % VECTORS == 0 && (VF == 1 || VECTORS == 1),
                "sl::mvu_channel_csd: VF divides SF, VECTORS divides SIMD, one of them is 1");
  static_assert(X_BITS >= 1 && X_BITS <= 16, "sl::mvu_channel_csd: X_BITS is 1 to 16");
  static_assert(V_BITS >= 1 && V_BITS <= Z_BITS, "sl::mvu_channel_csd: V_BITS is 1 to Z_BITS");
  static_assert(Z_BITS <= 62, "sl::mvu_channel_csd: Z_BITS is at most 62");
  static_assert(ACC_BITS >= 1 && ACC_BITS <= 63, "sl::mvu_channel_csd: ACC_BITS is 1 to 63");
  static_assert(ROWS >= 1 && ROWS <= 13 && GATE >= 0 && GATE <= 3 && CLOCK_GATE >= 0 &&
                    CLOCK_GATE <= 2,
                "sl::mvu_channel_csd: ROWS is 1 to 13, GATE 0 to 3, CLOCK_GATE 0 to 2");
  constexpr int TERMS = SIMD / VECTORS;
  constexpr std::int64_t SPAN = std::int64_t(4) << X_BITS;  // 2^P
  uword<ACC_BITS> acc[PE];
  std::int64_t vector[PE][VECTORS];
  const unsigned k = quality.to_uint();
#pragma HLS ARRAY_PARTITION variable=acc complete
#pragma HLS ARRAY_PARTITION variable=vector dim=0 complete
#pragma HLS ARRAY_PARTITION variable=weights dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=weights dim=3 complete
#pragma HLS ARRAY_PARTITION variable=counts dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=counts dim=3 complete
#pragma HLS ARRAY_PARTITION variable=alphas dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=alphas dim=3 complete
#pragma HLS ARRAY_RESHAPE variable=bias dim=2 complete
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  outputs:
    for (int nf = 0; nf < NF; nf++) {
    folds:
      for (int sf = 0; sf < SF; sf++) {
#pragma HLS PIPELINE II=1
        const int word = (nf * SF + sf) / VF;
        int x[SIMD];
        unpack<SIMD, X_BITS, X_SIGNED>(s.read(), x);
      elements:
        for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
          std::int64_t sum = 0;
        vectors:
          for (int v = 0; v < VECTORS; v++) {
#pragma HLS UNROLL
            const std::int64_t count = counts[word][pe][v];
            const std::int64_t lacking = count - (X_SIGNED ? SPAN / 2 * VF * TERMS : count * SPAN);
            std::int64_t terms = sf % VF == 0 ? lacking : vector[pe][v];
          lanes:
            for (int term = 0; term < TERMS; term++) {
#pragma HLS UNROLL
              const int simd = v * TERMS + term;
              terms += shift_product<X_BITS, X_SIGNED>(x[simd], weights[nf * SF + sf][pe][simd]);
            }
            vector[pe][v] = terms;
            if (sf % VF == VF - 1) sum += csd_product<ROWS>(terms, alphas[word][pe][v], k);
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
