// Depthwise unit on DSP blocks: LANES channels a clock, one tap and one block each.
//
//   m[l] = b_data[l] + sum over tap of w_data[tap][l] * x[tap][l]  modulo 2**ACC_BITS
//
// for integer weights. A block multiplies, and accumulates from the bias on: P = A*B + (C or P).
// It has X_BITS <= 24, W_BITS <= 18 and ACC_BITS <= 48.
//
// Stream: LANES activations a beat in the order (fold, tap), lane l of fold f being channel
// f*LANES + l; one output beat of LANES accumulators for every TAPS input beats; FOLDS output beats
// a pixel. One enable moves the whole pipeline: s_tready = !m_tvalid || m_tready.
// Memories: synchronous; weights and bias one w_en clock after their address. Lane l of a weight
// word is bits [l*W_BITS +: W_BITS].
//
// Latency: 4 enabled clocks from the last tap to the output beat (two input registers, product,
// accumulator, all inside the block). Throughput: one input beat an enabled clock.
`default_nettype none

module sl_dw_dsp #(
  parameter int LANES = 8,     // channels in parallel
  parameter int TAPS = 9,      // beats a dot product
  parameter int FOLDS = 2,     // output beats a pixel
  parameter int X_BITS = 8,    // width of an activation
  parameter int X_SIGNED = 0,  // 1: activations are two's complement
  parameter int W_BITS = 8,    // width of a weight, two's complement
  parameter int ACC_BITS = 20, // width of an accumulator
  localparam int W_ADDR_BITS = (TAPS * FOLDS > 1) ? $clog2(TAPS * FOLDS) : 1,
  localparam int B_ADDR_BITS = (FOLDS > 1) ? $clog2(FOLDS) : 1
) (
  input  wire                       clk,
  input  wire                       rst,

  input  wire  [LANES*X_BITS-1:0]   s_tdata,
  input  wire                       s_tvalid,
  output logic                      s_tready,

  output logic                      w_en,
  output logic [W_ADDR_BITS-1:0]    w_addr,  // fold * TAPS + tap
  input  wire  [LANES*W_BITS-1:0]   w_data,
  output logic [B_ADDR_BITS-1:0]    b_addr,  // fold
  input  wire  [LANES*ACC_BITS-1:0] b_data,

  output logic [LANES*ACC_BITS-1:0] m_tdata, // signed accumulators
  output logic                      m_tvalid,
  input  wire                       m_tready
);

  localparam int A_BITS = (X_SIGNED != 0) ? X_BITS : X_BITS + 1;  // with a sign
  localparam int P_BITS = (A_BITS + W_BITS < ACC_BITS) ? A_BITS + W_BITS : ACC_BITS;

  wire sum_valid, first, unused_held;

  sl_mvu_control #(.SF(TAPS), .NF(FOLDS), .DELAY(3)) i_control (
    .clk(clk), .rst(rst), .s_tvalid(s_tvalid), .s_tready(s_tready), .m_tvalid(m_tvalid),
    .m_tready(m_tready), .en(w_en), .w_addr(w_addr), .b_addr(b_addr), .held(unused_held),
    .sum_valid(sum_valid), .first(first)
  );

  wire step = w_en && sum_valid;

  for (genvar l = 0; l < LANES; l = l + 1) begin : gen_lane
    wire signed [ACC_BITS-1:0] bias = $signed(b_data[l*ACC_BITS +: ACC_BITS]);
    logic signed [A_BITS-1:0] x_q, a_q;
    logic signed [W_BITS-1:0] w_q;
    logic signed [P_BITS-1:0] product_q;
    (* use_dsp = "yes" *) logic signed [ACC_BITS-1:0] acc_q;
    always_ff @(posedge clk) begin
      if (w_en) begin
        x_q       <= A_BITS'({1'b0, s_tdata[l*X_BITS +: X_BITS]});
        a_q       <= x_q;
        w_q       <= $signed(w_data[l*W_BITS +: W_BITS]);
        product_q <= P_BITS'(a_q * w_q);
      end
      if (step) acc_q <= (first ? bias : acc_q) + ACC_BITS'(product_q);
    end
    assign m_tdata[l*ACC_BITS +: ACC_BITS] = acc_q;
  end

endmodule

`default_nettype wire
