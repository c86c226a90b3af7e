// Matrix-vector unit on DSP blocks: PE outputs x SIMD inputs a clock, PACK products a block.
//
//   m[p] = b_data[p] + sum over sf, simd of w[p][simd] * x[simd]
//        + SF * (SIMD / GROUP) * 2**(FIELD-1)   modulo 2**ACC_BITS
//
// for integer weights; the compiler folds the last term into the bias. GROUP inputs go through one
// chain of blocks (sl_dsp_chain), which makes PACK outputs; LUTs add the SIMD / GROUP chains and
// accumulate. Every dot product of GROUP terms must keep inside -2**(FIELD-1) .. 2**(FIELD-1) - 1.
//
// Stream: SIMD activations a beat in the order (nf, sf); one output beat of PE accumulators for
// every SF input beats; NF output beats a vector. One enable moves the whole pipeline:
// s_tready = !m_tvalid || m_tready.
// Memories: synchronous. There are GROUP weight memories, side by side: memory j, which has field j
// of w_addr and of w_data, feeds inputs j, GROUP + j, ... and is read j enabled clocks after
// memory 0, one w_en clock before its word. Word (chain c, block k) of it, a weight field of W_BITS
// for each of the outputs k*PACK .. k*PACK+PACK-1, is bits [(c*BLOCKS+k)*PACK*W_BITS +:
// PACK*W_BITS]. The bias comes one w_en clock after its own address.
//
// Latency: from the last input beat of a sweep to its output beat
// GROUP + clog2(SIMD / GROUP) + 3 enabled clocks. Throughput: one input beat an enabled clock.
`default_nettype none

module sl_mvu_dsp #(
  parameter int SIMD = 16,     // inputs a clock
  parameter int PE = 4,        // outputs in parallel
  parameter int SF = 4,        // beats a dot product
  parameter int NF = 1,        // output beats a vector
  parameter int X_BITS = 8,    // width of an activation
  parameter int X_SIGNED = 0,  // 1: activations are two's complement
  parameter int W_BITS = 4,    // width of a weight field
  parameter int PACK = 2,      // outputs that share a block
  parameter int FIELD = 20,    // their distance in the sums
  parameter int GROUP = 16,    // blocks a chain, a divisor of SIMD
  parameter int ACC_BITS = 20, // width of an accumulator
  localparam int BLOCKS = (PE + PACK - 1) / PACK,  // chains side by side over the same inputs
  localparam int W_ADDR_BITS = (SF * NF > 1) ? $clog2(SF * NF) : 1,
  localparam int B_ADDR_BITS = (NF > 1) ? $clog2(NF) : 1
) (
  input  wire                     clk,
  input  wire                     rst,

  input  wire  [SIMD*X_BITS-1:0]  s_tdata,
  input  wire                     s_tvalid,
  output logic                    s_tready,

  output logic                         w_en,
  output logic [GROUP*W_ADDR_BITS-1:0] w_addr,  // nf * SF + sf
  input  wire  [SIMD*BLOCKS*PACK*W_BITS-1:0] w_data,
  output logic [B_ADDR_BITS-1:0]       b_addr,  // nf
  input  wire  [PE*ACC_BITS-1:0]       b_data,

  output logic [PE*ACC_BITS-1:0]  m_tdata, // signed accumulators
  output logic                    m_tvalid,
  input  wire                     m_tready
);

  localparam int CHAINS = SIMD / GROUP;
  localparam int SUM_BITS = FIELD + $clog2(CHAINS);
  localparam int WORD = PACK * W_BITS;
  wire [PACK*FIELD-1:0] head = {PACK{1'b1, {(FIELD-1){1'b0}}}};

  wire en;
  wire sum_valid;
  wire first;
  wire unused_held;
  assign w_en = en;

  sl_mvu_control #(.SF(SF), .NF(NF), .DELAY(GROUP + 2 + $clog2(CHAINS))) i_control (
    .clk(clk), .rst(rst), .s_tvalid(s_tvalid), .s_tready(s_tready), .m_tvalid(m_tvalid),
    .m_tready(m_tready), .en(en), .w_addr(w_addr[W_ADDR_BITS-1:0]), .b_addr(b_addr),
    .held(unused_held), .sum_valid(sum_valid), .first(first)
  );

  // Input j of a chain, and the address of its weights, come j enabled clocks late.
  if (GROUP > 1) begin : gen_addresses
    always_ff @(posedge clk) begin
      if (en) w_addr[GROUP*W_ADDR_BITS-1:W_ADDR_BITS] <= w_addr[(GROUP-1)*W_ADDR_BITS-1:0];
    end
  end

  wire [SIMD*X_BITS-1:0] x;
  for (genvar s = 0; s < SIMD; s = s + 1) begin : gen_skew
    sl_delay #(.BITS(X_BITS), .CLOCKS(s % GROUP)) i_delay (
      .clk(clk), .en(en), .d(s_tdata[s*X_BITS +: X_BITS]), .q(x[s*X_BITS +: X_BITS])
    );
  end

  // Output k*PACK + o of chain c at [((k*PACK+o)*CHAINS+c)*FIELD +: FIELD].
  // Kept whole: where ACC_BITS < FIELD, Yosys packs a block with the unused bits cut out wrongly.
  (* keep *) wire [BLOCKS*PACK*CHAINS*FIELD-1:0] sums;
  for (genvar k = 0; k < BLOCKS; k = k + 1) begin : gen_block
    for (genvar c = 0; c < CHAINS; c = c + 1) begin : gen_chain
      wire [GROUP*WORD-1:0] words;
      wire [PACK*FIELD-1:0] fields;
      for (genvar j = 0; j < GROUP; j = j + 1) begin : gen_word
        assign words[j*WORD +: WORD] = w_data[((j*CHAINS+c)*BLOCKS+k)*WORD +: WORD];
      end
      sl_dsp_chain #(
        .GROUP(GROUP), .PACK(PACK), .FIELD(FIELD), .W_BITS(W_BITS), .X_BITS(X_BITS),
        .X_SIGNED(X_SIGNED)
      ) i_chain (
        .clk(clk), .en(en), .x(x[c*GROUP*X_BITS +: GROUP*X_BITS]), .w(words), .head(head),
        .sums(fields)
      );
      for (genvar o = 0; o < PACK; o = o + 1) begin : gen_output
        assign sums[((k*PACK+o)*CHAINS+c)*FIELD +: FIELD] = fields[o*FIELD +: FIELD];
      end
    end
  end

  for (genvar p = 0; p < PE; p = p + 1) begin : gen_pe
    wire [SUM_BITS-1:0] sum;
    sl_adder_tree #(.N(CHAINS), .BITS(FIELD)) i_tree (
      .clk(clk), .en(en), .terms(sums[p*CHAINS*FIELD +: CHAINS*FIELD]), .sum(sum)
    );

    // A sweep starts from its bias; the choice and the addition share one LUT a bit.
    logic [ACC_BITS-1:0] acc_q;
    wire [ACC_BITS-1:0] base = first ? b_data[p*ACC_BITS +: ACC_BITS] : acc_q;
    always_ff @(posedge clk) begin
      if (en && sum_valid) acc_q <= ACC_BITS'(sum) + base;
    end
    assign m_tdata[p*ACC_BITS +: ACC_BITS] = acc_q;
    wire unused_high_bits = &{1'b0, sum};  // where ACC_BITS < SUM_BITS
  end

  if (BLOCKS * PACK > PE) begin : gen_unused
    wire unused_outputs = &{1'b0, sums[BLOCKS*PACK*CHAINS*FIELD-1:PE*CHAINS*FIELD]};
  end

endmodule

`default_nettype wire
