/// Matrix-vector unit on DSP blocks: integer weights, PACK outputs share a block.
///
///   m[nf][pe] = bias[nf][pe] + sum over sf, simd of w[nf][pe][sf][simd] * x[sf][simd]
///             + SF * (SIMD / GROUP) * 2^(FIELD-1)
///
/// modulo 2^ACC_BITS; the bias carries the correction of the last term. A block multiplies x by
///
///   weights[nf*SF+sf][pe / PACK][simd] = sum over o < PACK of w[nf][pe+o][sf][simd] * 2^(o*FIELD)
///
/// and adds the sum of the block before, along chains of GROUP blocks. 2^(FIELD-1) in every field
/// at a chain's head keeps the fields apart; each dot product of GROUP terms stays below it. W_BITS
/// is the width of the top field, of A = (PACK-1)*FIELD + W_BITS bits in all.
///
/// Order: the PIXELS vectors of a frame, each NF times SF beats of SIMD activations; a beat of PE
/// accumulators leaves after every SF. Interval: PIXELS*NF*SF clocks a frame.
#ifndef SL_MVU_DSP_HPP
#define SL_MVU_DSP_HPP

#include "sl_beat.hpp"

namespace sl {

/// 2^(FIELD-1) in each of PACK fields.
template <int PACK, int FIELD>
constexpr std::int64_t field_offsets() {
  std::int64_t offsets = 0;
  for (int o = 0; o < PACK; o++) offsets |= std::int64_t(1) << (o * FIELD + FIELD - 1);
  return offsets;
}

template <int SIMD, int PE, int SF, int NF, int X_BITS, int X_SIGNED, int W_BITS, int PACK,
          int FIELD, int GROUP, int ACC_BITS, int PIXELS>
void mvu_dsp(
    hls::stream<ap_uint<SIMD * X_BITS>>& s, hls::stream<ap_uint<PE * ACC_BITS>>& m,
    const sword<(PACK - 1) * FIELD + W_BITS> (&weights)[NF * SF][(PE + PACK - 1) / PACK][SIMD],
    const sword<ACC_BITS> (&bias)[NF][PE]) {
  static_assert(SIMD >= 1 && PE >= 1 && SF >= 1 && NF >= 1 && PIXELS >= 1,
                "sl::mvu_dsp: SIMD, PE, SF, NF and PIXELS are at least 1");
  static_assert(X_BITS >= 1 && X_BITS + 1 - X_SIGNED <= 18,
                "sl::mvu_dsp: an activation takes at most 18 bits with its sign");
  static_assert(PACK >= 1 && W_BITS >= 1 && (PACK - 1) * FIELD + W_BITS <= 25,
                "sl::mvu_dsp: the weights of a block take at most 25 bits");
  static_assert(FIELD >= 2 && PACK * FIELD <= 48,
                "sl::mvu_dsp: the sums of a block take at most 48 bits");
  static_assert(GROUP >= 1 && SIMD % GROUP == 0, "sl::mvu_dsp: GROUP divides SIMD");
  static_assert(ACC_BITS >= 1 && ACC_BITS <= 63, "sl::mvu_dsp: ACC_BITS is 1 to 63");
  constexpr int BLOCKS = (PE + PACK - 1) / PACK;
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
      blocks:
        for (int block = 0; block < BLOCKS; block++) {
#pragma HLS UNROLL
          std::uint64_t sum[PACK] = {};
        chains:
          for (int first = 0; first < SIMD; first += GROUP) {
#pragma HLS UNROLL
            std::int64_t chain = field_offsets<PACK, FIELD>();
          terms:
            for (int simd = first; simd < first + GROUP; simd++) {
#pragma HLS UNROLL
              const std::int64_t product = x[simd] * weights[nf * SF + sf][block][simd];
#pragma HLS BIND_OP variable=product op=mul impl=dsp
              chain += product;
            }
          fields:
            for (int o = 0; o < PACK; o++) {
#pragma HLS UNROLL
              sum[o] += static_cast<std::uint64_t>(chain) >> (o * FIELD) & mask(FIELD);
            }
          }
        elements:
          for (int o = 0; o < PACK; o++) {
#pragma HLS UNROLL
            const int pe = block * PACK + o;
            if (pe >= PE) break;  // of an odd number of outputs
            const uword<ACC_BITS> start = sf == 0 ? uword<ACC_BITS>(bias[nf][pe]) : acc[pe];
            acc[pe] = start + sum[o];
          }
        }
        if (sf == SF - 1) m.write(pack<PE, ACC_BITS>(acc));
      }
    }
  }
}

}  // namespace sl

#endif
