/// Systolic engine: a program of tiles over a network whose maps and weights lie in memory.
///
/// Each instruction loads a tile of its input map, and computes for each tile co of C outputs the
/// sums over the steps of a list: the R lanes of a word times R x C weights, for all pixels of the
/// tile. The sums are requantized, added to a residual from memory, and stored; or they leave as
/// beats. A pool stores the maxima over the steps. Compute rows and steps are as in sl_engine.hpp.
/// The other programs hold, in beats of 8 bytes from the pointers' element 0 on:
///
///   load   FLAGS, SRC, BEATS a segment, SEGMENTS, STRIDE, WAIT, PITCH words in the tile buffer
///   weight FLAGS, BEATS a port, SRC of each port
///   res    FLAGS, SRC, BEATS a segment, SEGMENTS, STRIDE, WAIT
///   store  FLAGS, DST, BEATS a segment, SEGMENTS, STRIDE
///
/// A weight tile is R rows of C fields without gaps, in beats dealt out to the ports in turns. The
/// instructions run one behind the other here, so no one waits; STATIONARY changes only the RTL.
///
/// In: IN_PIXELS pixels of IN_BEATS beats of IN_E bytes; word (block b, pixel p) goes to
/// IN_BASE + (b * IN_PIXELS + p) * R / 8. Out: C sums of ACC_BITS a beat. A call is a frame.
#ifndef SL_SYSTOLIC_HPP
#define SL_SYSTOLIC_HPP

#include "sl_engine.hpp"

namespace sl {

/// What a step adds to one output of the array. Simulation takes codes as the integers they stand
/// for, at the speed of native products; `excess` is what the products of the hardware are too
/// large by. SL_EXACT_WORDS asks for the hardware's products, to check that.
#if defined(__SYNTHESIS__) || defined(SL_EXACT_WORDS)
template <int X_BITS, int X_SIGNED, int SHIFT_W>
int systolic_product(int x, int w) {
#pragma HLS INLINE
  return SHIFT_W ? static_cast<int>(shift_product<X_BITS, X_SIGNED>(x, unsigned(w))) : x * w;
}
template <int SHIFT_W>
int systolic_weight(int field) {
#pragma HLS INLINE
  return field;
}
template <int X_BITS, int X_SIGNED, int SHIFT_W>
int systolic_excess(int) {
#pragma HLS INLINE
  return 0;
}
#else
template <int X_BITS, int X_SIGNED, int SHIFT_W>
int systolic_product(int x, int w) {
  return x * w;
}
template <int SHIFT_W>
int systolic_weight(int field) {
  constexpr int BETA[8] = {0, 1, 2, 4, -1, -2, -4, 0};
  return SHIFT_W ? BETA[field & 7] : field;
}
template <int X_BITS, int X_SIGNED, int SHIFT_W>
int systolic_excess(int field) {
  return SHIFT_W ? static_cast<int>(shift_product<X_BITS, X_SIGNED>(0, unsigned(field))) : 0;
}
#endif

/// The R bytes of the word at `beat`, and back.
template <int R>
void systolic_read(const ap_uint<64>* memory, int beat, std::uint8_t (&word)[R]) {
#pragma HLS INLINE
beats:
  for (int i = 0; i < R / 8; i++) {
    const std::uint64_t bytes = memory[beat + i].to_uint64();
    for (int k = 0; k < 8; k++) word[8 * i + k] = static_cast<std::uint8_t>(bytes >> (8 * k));
  }
}
template <int R>
void systolic_write(ap_uint<64>* memory, int beat, const std::uint8_t (&word)[R]) {
#pragma HLS INLINE
beats:
  for (int i = 0; i < R / 8; i++) {
    std::uint64_t bytes = 0;
    for (int k = 0; k < 8; k++) bytes |= std::uint64_t(word[8 * i + k]) << (8 * k);
    memory[beat + i] = bytes;
  }
}

/// A frame as words in memory; lanes without a channel are 0.
template <int R, int IN_E, int IN_BEATS, int IN_PIXELS, int IN_BASE>
void systolic_ingest(hls::stream<ap_uint<IN_E * 8>>& s, ap_uint<64>* memory) {
#pragma HLS INLINE
  constexpr int SLOTS = IN_BEATS > 1 ? R / IN_E : 1;
ingest:
  for (int pixel = 0; pixel < IN_PIXELS; pixel++) {
    std::uint8_t word[R] = {};
  beats:
    for (int beat = 0; beat < IN_BEATS; beat++) {
      std::uint8_t elements[IN_E];
      unpack<IN_E, 8, 0>(s.read(), elements);
      const int slot = beat % SLOTS;
      for (int i = 0; i < IN_E; i++) word[slot * IN_E + i] = elements[i];
      if (slot < SLOTS - 1 && beat < IN_BEATS - 1) continue;
      systolic_write<R>(memory, IN_BASE + (beat / SLOTS * IN_PIXELS + pixel) * (R / 8), word);
      for (int lane = 0; lane < R; lane++) word[lane] = 0;
    }
  }
}

/// The segments of a load as words of the tile buffer.
template <int R, int BUFFER>
void systolic_load(const ap_uint<64>* memory, const std::uint32_t (&at)[7],
                   std::uint8_t (&buffer)[BUFFER][R]) {
#pragma HLS INLINE
  const int words = static_cast<int>(at[2]) / (R / 8);
segments:
  for (int segment = 0; segment < static_cast<int>(at[3]); segment++) {
    const int beat = static_cast<int>(at[1] + segment * at[4]);
    const int first = segment * static_cast<int>(at[6]);
  words:
    for (int i = 0; i < words; i++) {
#pragma HLS PIPELINE
      systolic_read<R>(memory, beat + i * (R / 8), buffer[first + i]);
    }
  }
}

/// One tile of weights, column by column, and what its products are too large by.
template <int R, int C, int X_BITS, int X_SIGNED, int W_BITS, int SHIFT_W, int WPORTS>
void systolic_weights(const ap_uint<64>* port0, const ap_uint<64>* port1, int (&beat)[2],
                      std::int16_t (&w)[C][R], std::int32_t (&excess)[C]) {
#pragma HLS INLINE
  constexpr int BEATS = (R * C * W_BITS + 64 * WPORTS - 1) / (64 * WPORTS);
  std::uint64_t tile[BEATS * WPORTS + 1];
beats:
  for (int i = 0; i < BEATS; i++) {
#pragma HLS PIPELINE II=1
    tile[i * WPORTS] = port0[beat[0]++].to_uint64();
    if (WPORTS > 1) tile[i * WPORTS + WPORTS - 1] = port1[beat[1]++].to_uint64();
  }
  tile[BEATS * WPORTS] = 0;
clear:
  for (int c = 0; c < C; c++) excess[c] = 0;
rows:
  for (int r = 0; r < R; r++) {
#pragma HLS PIPELINE II=1
  columns:
    for (int c = 0; c < C; c++) {
#pragma HLS UNROLL
      const int bit = (r * C + c) * W_BITS, shift = bit % 64;
      std::uint64_t raw = tile[bit / 64] >> shift;
      if (shift + W_BITS > 64) raw |= tile[bit / 64 + 1] << (64 - shift);
      const int field = engine_lane<W_BITS>(static_cast<int>(raw & mask(W_BITS)), !SHIFT_W);
      w[c][r] = static_cast<std::int16_t>(systolic_weight<SHIFT_W>(field));
      excess[c] += systolic_excess<X_BITS, X_SIGNED, SHIFT_W>(field);
    }
  }
}

/// Word and tap of a step for one pixel after the other.
struct systolic_pixel {
  int oy = 0, ox = 0, origin;
  explicit systolic_pixel(const engine_task& at) : origin(at.addr) {}
  void next(const engine_task& at) {
#pragma HLS INLINE
    const bool row_ends = ox == at.nx - 1;
    origin += row_ends ? at.step_y : at.step_x;
    oy += row_ends;
    ox = row_ends ? 0 : ox + 1;
  }
  template <int R, int BUFFER, typename T>
  void operands(const engine_task& at, const std::uint16_t (&entry)[4],
                const std::uint8_t (&buffer)[BUFFER][R], T (&x)[R]) const {
#pragma HLS INLINE
    const int iy = at.iy0 + oy * at.sy + entry[1], ix = at.ix0 + ox * at.sx + entry[2];
    const bool inside = engine_inside(at, iy, ix);
    constexpr int WRAP = engine_wrap(BUFFER);
    engine_operands<R, 8>(at, buffer[inside ? (origin + entry[0]) & WRAP : 0], inside, x);
  }
};

/// Adds a step to the sums of all pixels.
template <int R, int C, int X_BITS, int X_SIGNED, int SHIFT_W, int PIXELS, int BUFFER,
          typename Acc>
void systolic_step(const engine_task& at, const std::uint16_t (&entry)[4],
                   const std::uint8_t (&buffer)[BUFFER][R], const std::int16_t (&w)[C][R],
                   const std::int32_t (&excess)[C], Acc (&acc)[PIXELS][C]) {
#pragma HLS INLINE
  systolic_pixel pixel(at);
pixels:
  for (int p = 0; p < at.ny * at.nx; p++) {
#pragma HLS PIPELINE II=1
    std::int16_t x[R];
    pixel.operands(at, entry, buffer, x);
    pixel.next(at);
  columns:
    for (int c = 0; c < C; c++) {
#pragma HLS UNROLL
      std::int32_t sum = excess[c];
    rows:
      for (int r = 0; r < R; r++) {
#pragma HLS UNROLL
        sum += systolic_product<X_BITS, X_SIGNED, SHIFT_W>(x[r], w[c][r]);
      }
      acc[p][c] += static_cast<Acc>(sum);
    }
  }
}

/// The maxima of one block over the steps from `step` on, stored; returns the next list.
template <int R, int BUFFER, int STEPS>
int systolic_pool(const engine_task& at, int index, const std::uint16_t (&step)[STEPS][4],
                  const std::uint8_t (&buffer)[BUFFER][R], ap_uint<64>* memory, int beat) {
#pragma HLS INLINE
  systolic_pixel pixel(at);
  int end = index;
pixels:
  for (int p = 0; p < at.ny * at.nx; p++) {
    int most[R], x[R];
    std::uint8_t word[R];
    bool last = false;
  steps:
    for (end = index; !last; end++) {
#pragma HLS PIPELINE II=1
      last = step[end][3] & 1;
      pixel.operands(at, step[end], buffer, x);
      for (int lane = 0; lane < R; lane++) {
        most[lane] = end == index || x[lane] > most[lane] ? x[lane] : most[lane];
      }
    }
    for (int lane = 0; lane < R; lane++) word[lane] = static_cast<std::uint8_t>(most[lane]);
    systolic_write<R>(memory, beat + p * (R / 8), word);
    pixel.next(at);
  }
  return end;
}

/// The activations of all pixels of an output tile, stored as C / R segments.
template <int R, int C, int ACC_BITS, int M_BITS, int PIXELS, typename Acc>
void systolic_post(const engine_task& at, const Acc (&acc)[PIXELS][C],
                   const std::int64_t (&scale)[C], const ap_uint<64>* residual, int res_beat,
                   int res_stride, ap_uint<64>* memory, int beat, int stride) {
#pragma HLS INLINE
words:
  for (int j = 0; j < C / R; j++) {
  pixels:
    for (int p = 0; p < at.ny * at.nx; p++) {
#pragma HLS PIPELINE
      std::uint8_t other[R] = {}, word[R];
      if (at.residual) {
        systolic_read<R>(residual, res_beat + j * res_stride + p * (R / 8), other);
      }
      for (int lane = 0; lane < R; lane++) {
        const int c = j * R + lane, r = engine_lane<8>(other[lane], at.res_signed);
        const std::int64_t sum = engine_sum<ACC_BITS>(acc[p][c]);
        word[lane] = static_cast<std::uint8_t>(engine_post<M_BITS>(at, sum, scale[c], r));
      }
      systolic_write<R>(memory, beat + j * stride + p * (R / 8), word);
    }
  }
}

/// The engine with its weights behind one pointer or two; the second is not read for WPORTS of 1.
template <int R, int C, int STATIONARY, int X_BITS, int X_SIGNED, int W_BITS, int SHIFT_W,
          int ACC_BITS, int M_BITS, int C_BITS, int F_BITS, int K_BITS, int PIXELS, int BUFFER,
          int PROGRAM, int LOADS, int WPROGRAM, int RPROGRAM, int SPROGRAM, int STEPS, int PARAMS,
          int WPORTS, int IN_E, int IN_BEATS, int IN_PIXELS, int IN_BASE, int IN_STRIDE,
          int IN_BLOCKS>
void systolic(hls::stream<ap_uint<IN_E * 8>>& s, hls::stream<ap_uint<C * ACC_BITS>>& m,
              ap_uint<64>* maps, ap_uint<64>* residuals, const ap_uint<64>* weights0,
              const ap_uint<64>* weights1, const std::uint32_t (&prog)[PROGRAM][32],
              const std::uint32_t (&load)[LOADS][7],
              const std::uint32_t (&weight)[WPROGRAM][2 + WPORTS],
              const std::uint32_t (&res)[RPROGRAM + (RPROGRAM == 0)][6],
              const std::uint32_t (&store)[SPROGRAM + (SPROGRAM == 0)][5],
              const std::uint16_t (&step)[STEPS][4], const std::int64_t (&bias)[PARAMS][C],
              const std::int64_t (&scale)[PARAMS][C]) {
  engine_check<X_BITS, W_BITS, SHIFT_W, ACC_BITS, M_BITS, C_BITS, F_BITS, K_BITS>();
  static_assert(R >= 8 && (R & (R - 1)) == 0, "sl::systolic: R is a power of two, at least 8");
  static_assert(C % R == 0, "sl::systolic: R divides C");
  static_assert(X_BITS == 8 || X_BITS == 9, "sl::systolic: X_BITS is 8 or 9");
  static_assert(LOADS == PROGRAM, "sl::systolic: every instruction has a load");
  static_assert(WPORTS == 1 || WPORTS == 2, "sl::systolic: WPORTS is 1 or 2");
  static_assert(IN_BEATS == 1 ? IN_E <= R : R % IN_E == 0,
                "sl::systolic: IN_E divides R, or is at most R where IN_BEATS is 1");
  static_assert(IN_BLOCKS == (IN_E * IN_BEATS + R - 1) / R,
                "sl::systolic: IN_BLOCKS is IN_E * IN_BEATS / R, rounded up");
  using Acc = std::conditional_t<ACC_BITS <= 32, std::uint32_t, std::uint64_t>;
  static Acc acc[PIXELS][C];
  static std::uint8_t buffer[BUFFER][R];
  std::int16_t w[C][R];
  std::int32_t excess[C];
#pragma HLS ARRAY_RESHAPE variable=acc dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=buffer dim=2 complete
#pragma HLS ARRAY_PARTITION variable=w complete
#pragma HLS ARRAY_PARTITION variable=excess complete
#pragma HLS ARRAY_RESHAPE variable=bias dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=scale dim=2 complete
  systolic_ingest<R, IN_E, IN_BEATS, IN_PIXELS, IN_BASE>(s, residuals);
  int next_weight = 0, next_res = 0, next_store = 0;
program:
  for (int pc = 0; pc < PROGRAM; pc++) {
    const engine_task at = engine_decode(prog[pc]);
    const int words = at.pool ? 1 : C / R;  // of a pixel's result
    const std::uint32_t(&to)[5] = store[at.emit ? 0 : next_store++];
    const std::uint32_t(&from)[6] = res[at.residual ? next_res++ : 0];
    int beat[2] = {}, index = at.step;
    systolic_load<R>(maps, load[pc], buffer);
    if (!at.pool) {
      beat[0] = static_cast<int>(weight[next_weight][2]);
      beat[1] = static_cast<int>(weight[next_weight++][1 + WPORTS]);
    }
  tiles:
    for (int co = 0; co < at.co; co++) {
      const int segment = co * words;
      const int stride = static_cast<int>(to[4]), res_stride = static_cast<int>(from[4]);
      const int result = static_cast<int>(to[1]) + segment * stride;
      const int other = static_cast<int>(from[1]) + segment * res_stride;
      if (at.pool) {
        index = systolic_pool<R>(at, index, step, buffer, maps, result);
        continue;
      }
      if (at.rewind) index = at.step;
    start:
      for (int p = 0; p < at.ny * at.nx; p++) {
#pragma HLS PIPELINE II=1
        for (int c = 0; c < C; c++) acc[p][c] = static_cast<Acc>(bias[at.param + co][c]);
      }
    steps:
      for (bool last = false; !last; index++) {
        last = step[index][3] & 1;
        systolic_weights<R, C, X_BITS, X_SIGNED, W_BITS, SHIFT_W, WPORTS>(weights0, weights1, beat,
                                                                          w, excess);
        systolic_step<R, C, X_BITS, X_SIGNED, SHIFT_W>(at, step[index], buffer, w, excess, acc);
      }
      if (!at.emit) {
        systolic_post<R, C, ACC_BITS, M_BITS>(at, acc, scale[at.param + co], residuals, other,
                                              res_stride, maps, result, stride);
        continue;
      }
    sums:
      for (int p = 0; p < at.ny * at.nx; p++) m.write(pack<C, ACC_BITS>(acc[p]));
    }
  }
}

template <int R, int C, int STATIONARY, int X_BITS, int X_SIGNED, int W_BITS, int SHIFT_W,
          int ACC_BITS, int M_BITS, int C_BITS, int F_BITS, int K_BITS, int PIXELS, int BUFFER,
          int PROGRAM, int LOADS, int WPROGRAM, int RPROGRAM, int SPROGRAM, int STEPS, int PARAMS,
          int WPORTS, int IN_E, int IN_BEATS, int IN_PIXELS, int IN_BASE, int IN_STRIDE,
          int IN_BLOCKS>
void systolic(hls::stream<ap_uint<IN_E * 8>>& s, hls::stream<ap_uint<C * ACC_BITS>>& m,
              ap_uint<64>* maps, ap_uint<64>* residuals, const ap_uint<64>* weights,
              const std::uint32_t (&prog)[PROGRAM][32], const std::uint32_t (&load)[LOADS][7],
              const std::uint32_t (&weight)[WPROGRAM][2 + WPORTS],
              const std::uint32_t (&res)[RPROGRAM + (RPROGRAM == 0)][6],
              const std::uint32_t (&store)[SPROGRAM + (SPROGRAM == 0)][5],
              const std::uint16_t (&step)[STEPS][4], const std::int64_t (&bias)[PARAMS][C],
              const std::int64_t (&scale)[PARAMS][C]) {
#pragma HLS INLINE
  static_assert(WPORTS == 1, "sl::systolic: a pointer for each of WPORTS");
  systolic<R, C, STATIONARY, X_BITS, X_SIGNED, W_BITS, SHIFT_W, ACC_BITS, M_BITS, C_BITS, F_BITS,
           K_BITS, PIXELS, BUFFER, PROGRAM, LOADS, WPROGRAM, RPROGRAM, SPROGRAM, STEPS, PARAMS,
           WPORTS, IN_E, IN_BEATS, IN_PIXELS, IN_BASE, IN_STRIDE, IN_BLOCKS>(
      s, m, maps, residuals, weights, weights, prog, load, weight, res, store, step, bias, scale);
}

}  // namespace sl

#endif
