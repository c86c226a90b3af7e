/// Engine that runs a program over a whole network: R neurons, each fed with R activations a clock.
///
/// All maps lie in one buffer of words of R lanes. An instruction computes one layer: for each
/// pixel and each tile co of R outputs, the steps of a list, each a word times R weights a neuron;
/// then requantization, a sum with a residual, and a write; or the maximum of the words; or the
/// sums leave as a beat. The header of sl_dadiannao.sv has the program. A row of `prog` is an
/// instruction, one of `step` a step; w[i][n*R + l] is the weight of neuron n for lane l, and
/// scale[i][n] is OFFS * 2^M_BITS + M.
///
/// In: IN_PIXELS pixels of IN_BEATS beats of IN_E elements of LANE bits; out: R sums of ACC_BITS a
/// beat. A call is a frame. Interval: a clock a step.
#ifndef SL_DADIANNAO_HPP
#define SL_DADIANNAO_HPP

#include "sl_engine.hpp"

namespace sl {

/// What a step adds to a sum; shift products are too large by what the biases lack.
template <int R, int X_BITS, int X_SIGNED, int SHIFT_W>
std::int64_t neuron(const int (&x)[R], const std::int8_t* w) {
#pragma HLS INLINE
  std::int64_t sum = 0;
lanes:
  for (int lane = 0; lane < R; lane++) {
#pragma HLS UNROLL
    if (SHIFT_W) {
      sum += shift_product<X_BITS, X_SIGNED>(x[lane], static_cast<unsigned>(w[lane]));
    } else {
      sum += x[lane] * w[lane];
    }
  }
  return sum;
}

/// The words of a frame; lanes without a channel are 0.
template <int R, int LANE, int DEPTH, int IN_E, int IN_BEATS, int IN_PIXELS, int IN_BASE>
void dadiannao_ingest(hls::stream<ap_uint<IN_E * LANE>>& s, uword<LANE> (&buffer)[DEPTH][R]) {
#pragma HLS INLINE
  constexpr int SLOTS = IN_BEATS > 1 ? R / IN_E : 1;
ingest:
  for (int pixel = 0; pixel < IN_PIXELS; pixel++) {
    uword<LANE> word[R] = {};
  beats:
    for (int beat = 0; beat < IN_BEATS; beat++) {
#pragma HLS PIPELINE II=1
      uword<LANE> elements[IN_E];
      unpack<IN_E, LANE, 0>(s.read(), elements);
      const int slot = beat % SLOTS;
      const bool ends = slot == SLOTS - 1 || beat == IN_BEATS - 1;
      for (int i = 0; i < IN_E; i++) word[slot * IN_E + i] = elements[i];
      for (int lane = 0; lane < R; lane++) {
        if (ends) buffer[IN_BASE + beat / SLOTS * IN_PIXELS + pixel][lane] = word[lane];
        if (ends) word[lane] = 0;
      }
    }
  }
}

/// Sums or maxima over a list of steps; `index` and `weight` move on to the next list.
template <int R, int LANE, int X_BITS, int X_SIGNED, int SHIFT_W, int DEPTH, int STEPS, int WEIGHTS>
void dadiannao_list(const engine_task& at, int origin, int oy, int ox, int& index, int& weight,
                    const uword<LANE> (&buffer)[DEPTH][R], const std::uint16_t (&step)[STEPS][4],
                    const std::int8_t (&w)[WEIGHTS][R * R], std::uint64_t (&acc)[R],
                    int (&most)[R]) {
#pragma HLS INLINE
  constexpr int WRAP = engine_wrap(DEPTH);
  int x[R];
#pragma HLS ARRAY_PARTITION variable=x complete
  bool first = true, last = false;
steps:
  while (!last) {
#pragma HLS PIPELINE II=1
    const std::uint16_t(&entry)[4] = step[index++];
    const int iy = at.iy0 + oy * at.sy + entry[1], ix = at.ix0 + ox * at.sx + entry[2];
    const bool inside = engine_inside(at, iy, ix);
    engine_operands<R, LANE>(at, buffer[inside ? (origin + entry[0]) & WRAP : 0], inside, x);
  neurons:
    for (int n = 0; n < R; n++) {
#pragma HLS UNROLL
      most[n] = first || x[n] > most[n] ? x[n] : most[n];
      if (!at.pool) acc[n] += neuron<R, X_BITS, X_SIGNED, SHIFT_W>(x, w[weight] + n * R);
    }
    weight += !at.pool;
    last = entry[3] & 1;
    first = false;
  }
}

/// The word of activations of a list's sums.
template <int R, int LANE, int ACC_BITS, int M_BITS>
void dadiannao_post(const engine_task& at, const std::uint64_t (&acc)[R],
                    const std::int64_t (&scale)[R], const uword<LANE> (&other)[R], int (&y)[R]) {
#pragma HLS INLINE
lanes:
  for (int n = 0; n < R; n++) {
#pragma HLS UNROLL
    const int r = engine_lane<LANE>(other[n], at.res_signed);
    y[n] = static_cast<int>(
        engine_post<M_BITS>(at, engine_sum<ACC_BITS>(acc[n]), scale[n], r));
  }
}

template <int R, int LANE, int X_BITS, int X_SIGNED, int W_BITS, int SHIFT_W, int ACC_BITS,
          int M_BITS, int C_BITS, int F_BITS, int K_BITS, int DEPTH, int PROGRAM, int STEPS,
          int WEIGHTS, int PARAMS, int IN_E, int IN_BEATS, int IN_PIXELS, int IN_BASE,
          int IN_BLOCKS>
void dadiannao(hls::stream<ap_uint<IN_E * LANE>>& s, hls::stream<ap_uint<R * ACC_BITS>>& m,
               const std::uint32_t (&prog)[PROGRAM][32], const std::uint16_t (&step)[STEPS][4],
               const std::int8_t (&w)[WEIGHTS][R * R], const std::int64_t (&bias)[PARAMS][R],
               const std::int64_t (&scale)[PARAMS][R]) {
  engine_check<X_BITS, W_BITS, SHIFT_W, ACC_BITS, M_BITS, C_BITS, F_BITS, K_BITS>();
  static_assert(R >= 4 && (R & (R - 1)) == 0, "sl::dadiannao: R is a power of two, at least 4");
  static_assert(LANE <= X_BITS && X_BITS <= LANE + 1, "sl::dadiannao: X_BITS is LANE or LANE + 1");
  static_assert(IN_BEATS == 1 ? IN_E <= R : R % IN_E == 0,
                "sl::dadiannao: IN_E divides R, or is at most R where IN_BEATS is 1");
  static_assert(IN_BLOCKS == (IN_E * IN_BEATS + R - 1) / R,
                "sl::dadiannao: IN_BLOCKS is IN_E * IN_BEATS / R, rounded up");
  static uword<LANE> buffer[DEPTH][R];
#pragma HLS ARRAY_RESHAPE variable=buffer dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=w dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=bias dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=scale dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=step dim=2 complete
  constexpr int WRAP = engine_wrap(DEPTH);
  dadiannao_ingest<R, LANE, DEPTH, IN_E, IN_BEATS, IN_PIXELS, IN_BASE>(s, buffer);
program:
  for (int pc = 0; pc < PROGRAM; pc++) {
    const engine_task at = engine_decode(prog[pc]);
    int origin = at.addr;
  pixels:
    for (int pixel = 0, ox = 0, oy = 0; pixel < at.ny * at.nx; pixel++) {
      int index = at.step, weight = at.weight;
    tiles:
      for (int co = 0; co < at.co; co++) {
        const int row = at.pool ? 0 : at.param + co;
        const int other = at.residual ? (at.res + co * at.res_co + pixel) & WRAP : 0;
        std::uint64_t acc[R];
        int most[R], y[R];
#pragma HLS ARRAY_PARTITION variable=acc complete
#pragma HLS ARRAY_PARTITION variable=most complete
        for (int n = 0; n < R; n++) acc[n] = static_cast<std::uint64_t>(bias[row][n]);
        if (at.rewind) index = at.step;
        dadiannao_list<R, LANE, X_BITS, X_SIGNED, SHIFT_W>(at, origin, oy, ox, index, weight,
                                                           buffer, step, w, acc, most);
        if (at.emit) {
          m.write(pack<R, ACC_BITS>(acc));
          continue;
        }
        dadiannao_post<R, LANE, ACC_BITS, M_BITS>(at, acc, scale[row], buffer[other], y);
      results:
        for (int n = 0; n < R; n++) {
#pragma HLS UNROLL
          const int value = (at.pool ? most[n] : y[n]) & static_cast<int>(mask(LANE));
          buffer[(at.dst + co * at.dst_co + pixel) & WRAP][n] = static_cast<uword<LANE>>(value);
        }
      }
      const bool row_ends = ++ox == at.nx;
      origin += row_ends ? at.step_y : at.step_x;
      if (row_ends) oy++;
      if (row_ends) ox = 0;
    }
  }
}

}  // namespace sl

#endif
