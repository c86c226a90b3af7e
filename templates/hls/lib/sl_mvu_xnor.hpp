/// Matrix-vector unit for weights of -1 and +1 and activations of one bit, by counting agreements.
///
///   m[nf][pe] = bias[nf][pe] + number of (sf, simd) with x[sf][simd] == weights[nf*SF+sf][pe][simd]
///
/// modulo 2^ACC_BITS; a weight bit is 1 for +1. An activation of 0 or 1 times the weight is 1 where
/// they agree, less 1 for each weight of -1, which the bias carries.
///
/// Order: the PIXELS vectors of a frame, each NF times SF beats of SIMD activations; a beat of PE
/// accumulators leaves after every SF. Interval: PIXELS*NF*SF clocks a frame.
#ifndef SL_MVU_XNOR_HPP
#define SL_MVU_XNOR_HPP

#include "sl_beat.hpp"

namespace sl {

template <int SIMD, int PE, int SF, int NF, int ACC_BITS, int PIXELS>
void mvu_xnor(hls::stream<ap_uint<SIMD>>& s, hls::stream<ap_uint<PE * ACC_BITS>>& m,
              const uword<1> (&weights)[NF * SF][PE][SIMD], const sword<ACC_BITS> (&bias)[NF][PE]) {
  static_assert(SIMD >= 1 && PE >= 1 && SF >= 1 && NF >= 1 && PIXELS >= 1,
                "sl::mvu_xnor: SIMD, PE, SF, NF and PIXELS are at least 1");
  static_assert(ACC_BITS >= 1 && ACC_BITS <= 63, "sl::mvu_xnor: ACC_BITS is 1 to 63");
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
        unsigned x[SIMD];
        unpack<SIMD, 1, 0>(s.read(), x);
      elements:
        for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
          unsigned count = 0;
        lanes:
          for (int simd = 0; simd < SIMD; simd++) {
#pragma HLS UNROLL
            count += x[simd] == weights[nf * SF + sf][pe][simd];
          }
          const uword<ACC_BITS> start = sf == 0 ? uword<ACC_BITS>(bias[nf][pe]) : acc[pe];
          acc[pe] = start + count;
        }
        if (sf == SF - 1) m.write(pack<PE, ACC_BITS>(acc));
      }
    }
  }
}

}  // namespace sl

#endif
