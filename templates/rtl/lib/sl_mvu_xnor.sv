// Matrix-vector unit for weights of -1 and +1 and activations of one bit, by counting agreements.
//
//   m[p] = b_data[p] + number of (sf, simd) with x[simd] == w[p][simd]   modulo 2**ACC_BITS
//
// A weight bit is 1 for +1. With an activation q of 0 or 1, w * q is 1 where they agree, less 1 for
// each weight of -1: the dot product of weights and activations results from
// bias = plain - #(weights of -1).
//
// Stream: SIMD activations a beat in the order (nf, sf); one output beat of PE accumulators for
// every SF input beats; NF output beats a vector. One enable moves the whole pipeline:
// s_tready = !m_tvalid || m_tready.
// Memories: synchronous; weights and bias one w_en clock after their address. Lane (p, s) of a
// weight word is bit p*SIMD+s.
//
// Latency: from the last input beat of a sweep to its output beat 4 + clog2(ceil(SIMD / 6)) enabled
// clocks. Throughput: one input beat an enabled clock.
`default_nettype none

module sl_mvu_xnor #(
  parameter int SIMD = 64,     // inputs a clock
  parameter int PE = 4,        // outputs in parallel
  parameter int SF = 4,        // beats a dot product
  parameter int NF = 1,        // output beats a vector
  parameter int ACC_BITS = 10, // width of an accumulator
  localparam int W_ADDR_BITS = (SF * NF > 1) ? $clog2(SF * NF) : 1,
  localparam int B_ADDR_BITS = (NF > 1) ? $clog2(NF) : 1
) (
  input  wire                     clk,
  input  wire                     rst,

  input  wire  [SIMD-1:0]         s_tdata,
  input  wire                     s_tvalid,
  output logic                    s_tready,

  output logic                    w_en,
  output logic [W_ADDR_BITS-1:0]  w_addr,  // nf * SF + sf
  input  wire  [PE*SIMD-1:0]      w_data,
  output logic [B_ADDR_BITS-1:0]  b_addr,  // nf
  input  wire  [PE*ACC_BITS-1:0]  b_data,

  output logic [PE*ACC_BITS-1:0]  m_tdata, // signed accumulators
  output logic                    m_tvalid,
  input  wire                     m_tready
);

  localparam int LEVELS = $clog2((SIMD + 5) / 6);
  localparam int SUM_BITS = 3 + LEVELS;

  wire en;
  wire sum_valid;
  wire first;
  wire unused_held;
  assign w_en = en;

  sl_mvu_control #(.SF(SF), .NF(NF), .DELAY(LEVELS + 3)) i_control (
    .clk(clk), .rst(rst), .s_tvalid(s_tvalid), .s_tready(s_tready), .m_tvalid(m_tvalid),
    .m_tready(m_tready), .en(en), .w_addr(w_addr), .b_addr(b_addr),
    .held(unused_held), .sum_valid(sum_valid), .first(first)
  );

  // Input register; the weights of the same beat arrive from the memory at the same edge.
  logic [SIMD-1:0] x_q;
  always_ff @(posedge clk) begin
    if (en) x_q <= s_tdata;
  end

  for (genvar p = 0; p < PE; p = p + 1) begin : gen_pe
    wire [SUM_BITS-1:0] sum;
    logic [ACC_BITS-1:0] acc_q;

    logic [SIMD-1:0] agree_q;
    always_ff @(posedge clk) begin
      if (en) agree_q <= x_q ~^ w_data[p*SIMD +: SIMD];
    end

    sl_popcount #(.N(SIMD)) i_count (.clk(clk), .en(en), .bits(agree_q), .sum(sum));

    // A sweep starts from its bias; the choice and the addition share one LUT a bit.
    wire [ACC_BITS-1:0] base = first ? b_data[p*ACC_BITS +: ACC_BITS] : acc_q;
    always_ff @(posedge clk) begin
      if (en && sum_valid) acc_q <= ACC_BITS'(sum) + base;
    end
    assign m_tdata[p*ACC_BITS +: ACC_BITS] = acc_q;
    wire unused_high_bits = &{1'b0, sum};  // where ACC_BITS < SUM_BITS
  end

endmodule

`default_nettype wire
