// Matrix-vector unit on signed digits: PE outputs x SIMD inputs a clock, K digits of each weight.
//
//   m[p] = b_data[p] + sum over sf, simd of x[simd] * csd_K(w[p][simd])
//        + SF * SIMD * 2**(P-1)   modulo 2**ACC_BITS,  P = X_BITS + 2*ROWS (+ 1 if x has no sign)
//
// Weights are rows of canonic digit pairs, of which sl_csd_keep leaves K and sl_csd_multiply makes
// products without DSP blocks. Products are added as numbers without sign; the compiler folds the
// last term into the bias. K is `quality`, taken at the first beat of each frame of PIXELS*NF*SF
// beats.
//
// Stream: SIMD activations a beat in the order (nf, sf); one output beat of PE accumulators for
// every SF input beats; NF output beats a vector. One enable moves the whole pipeline:
// s_tready = !m_tvalid || m_tready. The multipliers move only while beats are inside of them, and
// no row of a weight is kept for an idle clock, so that their operand registers rest then.
// Memories: synchronous; weights and bias one w_en clock after their address. Lane (p, s) of a
// weight word is bits [(p*SIMD+s)*3*ROWS +: 3*ROWS].
//
// Latency: from the last input beat of a sweep to its output beat clog2(ROWS) + clog2(SIMD) + 3
// enabled clocks (input register, operand registers, row and tree levels, accumulator).
// Throughput: one input beat an enabled clock.
`default_nettype none

module sl_mvu_csd #(
  parameter int SIMD = 8,       // inputs a clock
  parameter int PE = 2,         // outputs in parallel
  parameter int SF = 4,         // beats a dot product
  parameter int NF = 1,         // output beats a vector
  parameter int X_BITS = 8,     // width of an activation
  parameter int X_SIGNED = 0,   // 1: activations are two's complement
  parameter int ROWS = 4,       // digit pairs of a weight
  parameter int ACC_BITS = 24,  // width of an accumulator
  parameter int GATE = 1,       // see sl_csd_multiply
  parameter int CLOCK_GATE = 0, // of the multipliers: see sl_clock_gate
  parameter int PIXELS = 1,     // vectors a frame
  localparam int W_ADDR_BITS = (SF * NF > 1) ? $clog2(SF * NF) : 1,
  localparam int B_ADDR_BITS = (NF > 1) ? $clog2(NF) : 1
) (
  input  wire                     clk,
  input  wire                     rst,
  input  wire  [3:0]              quality, // K

  input  wire  [SIMD*X_BITS-1:0]  s_tdata,
  input  wire                     s_tvalid,
  output logic                    s_tready,

  output logic                    w_en,
  output logic [W_ADDR_BITS-1:0]  w_addr,  // nf * SF + sf
  input  wire  [PE*SIMD*3*ROWS-1:0] w_data,
  output logic [B_ADDR_BITS-1:0]  b_addr,  // nf
  input  wire  [PE*ACC_BITS-1:0]  b_data,

  output logic [PE*ACC_BITS-1:0]  m_tdata, // signed accumulators
  output logic                    m_tvalid,
  input  wire                     m_tready
);

  localparam int P = X_BITS + 2 * ROWS + ((X_SIGNED != 0) ? 0 : 1);  // width of a product
  localparam int W = 3 * ROWS;
  localparam int MULTIPLY = 1 + $clog2(ROWS);  // latency of a multiplier
  localparam int SUM_BITS = P + $clog2(SIMD);

  wire en;
  wire unused_held;
  wire sum_valid;
  wire first;
  assign w_en = en;

  sl_mvu_control #(.SF(SF), .NF(NF), .DELAY(1 + MULTIPLY + $clog2(SIMD))) i_control (
    .clk(clk), .rst(rst), .s_tvalid(s_tvalid), .s_tready(s_tready), .m_tvalid(m_tvalid),
    .m_tready(m_tready), .en(en), .w_addr(w_addr), .b_addr(b_addr),
    .held(unused_held), .sum_valid(sum_valid), .first(first)
  );

  wire [3:0] k;
  sl_quality_hold #(.BEATS(PIXELS * NF * SF)) i_quality (
    .clk(clk), .rst(rst), .step(en && s_tvalid), .quality(quality), .k(k)
  );

  // Input registers; the weights of the same beat arrive from the memory at the same edge.
  logic [SIMD*X_BITS-1:0] x_q;
  logic [3:0] k_q;
  always_ff @(posedge clk) begin
    if (en) x_q <= s_tdata;
    if (en) k_q <= s_tvalid ? k : '0;
  end

  // Bit i: a beat is on its way into register i of the multipliers.
  logic [MULTIPLY-1:0] moving_q;
  always_ff @(posedge clk) begin
    if (rst) moving_q <= '0;
    else if (en) moving_q <= MULTIPLY'({moving_q, s_tvalid});
  end

  wire gclk;
  wire ce;
  sl_clock_gate #(.STYLE(CLOCK_GATE)) i_gate (
    .clk(clk), .en(en && |moving_q), .gclk(gclk), .ce(ce)
  );

  for (genvar p = 0; p < PE; p = p + 1) begin : gen_pe
    wire [SIMD*P-1:0] products;
    wire [SUM_BITS-1:0] sum;
    logic [ACC_BITS-1:0] acc_q;

    for (genvar s = 0; s < SIMD; s = s + 1) begin : gen_product
      wire [W-1:0] kept;
      wire signed [P-1:0] product;
      sl_csd_keep #(.ROWS(ROWS)) i_keep (
        .rows(w_data[(p*SIMD+s)*W +: W]), .k(k_q), .kept(kept)
      );
      sl_csd_multiply #(
        .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .ROWS(ROWS), .GATE(GATE)
      ) i_multiply (
        .clk(gclk), .en(ce), .x(x_q[s*X_BITS +: X_BITS]), .rows(kept), .p(product)
      );
      assign products[s*P +: P] = {!product[P-1], product[P-2:0]};
    end

    sl_adder_tree #(.N(SIMD), .BITS(P)) i_tree (
      .clk(clk), .en(en), .terms(products), .sum(sum)
    );

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
