// Matrix-vector unit with run-time 3-bit QSQ shift weights: PE outputs x SIMD inputs a clock.
//
//   m[p] = b_data[p] + sum over sf, simd of product(x[simd], code[p][simd])  modulo 2**ACC_BITS
//
// with product() of sl_shift_product, where negative codes lack 1 and products have offsets. With
// P = X_BITS + 2, the true dot product results from
//   bias = plain + #(negative codes) * (1 - 2**P)        for unsigned activations,
//   bias = plain + #(negative codes) - SIMD*SF * 2**(P-1) for signed ones.
//
// Stream: SIMD activations a beat in the order (nf, sf); one output beat of PE accumulators for
// every SF input beats; NF output beats a vector. One enable moves the whole pipeline:
// s_tready = !m_tvalid || m_tready.
// Memories: synchronous; weights and bias one w_en clock after their address. Lane (p, s) of a
// weight word is bits [(p*SIMD+s)*3 +: 3]. With AHEAD, both are read a beat ahead and registered
// once more, for memories whose words come late in a clock; the latency stays, and the first beat
// must come 1 clock after rst or later.
//
// Latency: from the last input beat of a sweep to its output beat clog2(SIMD) + 2 enabled clocks
// (input register, tree levels, accumulator). Throughput: one input beat an enabled clock.
// bad_code is high for one clock for every beat that has used code 111, which counts as 0.
`default_nettype none

module sl_mvu_shift #(
  parameter int SIMD = 16,     // inputs a clock
  parameter int PE = 4,        // outputs in parallel
  parameter int SF = 4,        // beats a dot product
  parameter int NF = 1,        // output beats a vector
  parameter int X_BITS = 8,    // width of an activation
  parameter int X_SIGNED = 0,  // 1: activations are two's complement
  parameter int ACC_BITS = 20, // width of an accumulator
  parameter int AHEAD = 0,     // 1: another register behind each memory
  localparam int W_ADDR_BITS = (SF * NF > 1) ? $clog2(SF * NF) : 1,
  localparam int B_ADDR_BITS = (NF > 1) ? $clog2(NF) : 1
) (
  input  wire                     clk,
  input  wire                     rst,

  input  wire  [SIMD*X_BITS-1:0]  s_tdata,
  input  wire                     s_tvalid,
  output logic                    s_tready,

  output logic                    w_en,
  output logic [W_ADDR_BITS-1:0]  w_addr,  // nf * SF + sf
  input  wire  [PE*SIMD*3-1:0]    w_data,
  output logic [B_ADDR_BITS-1:0]  b_addr,  // nf
  input  wire  [PE*ACC_BITS-1:0]  b_data,

  output logic [PE*ACC_BITS-1:0]  m_tdata, // signed accumulators
  output logic                    m_tvalid,
  input  wire                     m_tready,

  output logic                    bad_code
);

  localparam int P = X_BITS + 2;         // width of a product
  localparam int LEVELS = $clog2(SIMD);  // registered levels of the tree
  localparam int SUM_BITS = P + LEVELS;

  wire en;
  wire held;
  wire sum_valid;
  wire first;
  assign w_en = en;

  sl_mvu_control #(.SF(SF), .NF(NF), .DELAY(LEVELS + 1), .AHEAD(AHEAD)) i_control (
    .clk(clk), .rst(rst), .s_tvalid(s_tvalid), .s_tready(s_tready), .m_tvalid(m_tvalid),
    .m_tready(m_tready), .en(en), .w_addr(w_addr), .b_addr(b_addr),
    .held(held), .sum_valid(sum_valid), .first(first)
  );

  // Input register; the weights of the same beat arrive from the memory at the same edge.
  logic [SIMD*X_BITS-1:0] x_q;
  always_ff @(posedge clk) begin
    if (en) x_q <= s_tdata;
  end

  wire [PE*SIMD*3-1:0] codes;
  wire [PE*ACC_BITS-1:0] bias;
  if (AHEAD != 0) begin : gen_ahead
    logic [PE*SIMD*3-1:0] codes_q;
    logic [PE*ACC_BITS-1:0] bias_q;
    always_ff @(posedge clk) begin
      if (en) codes_q <= w_data;
      if (en) bias_q <= b_data;
    end
    assign codes = codes_q;
    assign bias = bias_q;
  end else begin : gen_at_once
    assign codes = w_data;
    assign bias = b_data;
  end

  for (genvar p = 0; p < PE; p = p + 1) begin : gen_pe
    wire [SIMD*P-1:0] products;
    wire [SUM_BITS-1:0] sum;
    logic [ACC_BITS-1:0] acc_q;

    for (genvar s = 0; s < SIMD; s = s + 1) begin : gen_product
      sl_shift_product #(.X_BITS(X_BITS), .X_SIGNED(X_SIGNED)) i_product (
        .x(x_q[s*X_BITS +: X_BITS]),
        .code(codes[(p*SIMD+s)*3 +: 3]),
        .product(products[s*P +: P])
      );
    end

    sl_adder_tree #(.N(SIMD), .BITS(P)) i_tree (
      .clk(clk), .en(en), .terms(products), .sum(sum)
    );

    // A sweep starts from its bias; the choice and the addition share one LUT a bit.
    wire [ACC_BITS-1:0] base = first ? bias[p*ACC_BITS +: ACC_BITS] : acc_q;
    always_ff @(posedge clk) begin
      if (en && sum_valid) acc_q <= ACC_BITS'(sum) + base;
    end
    assign m_tdata[p*ACC_BITS +: ACC_BITS] = acc_q;
    wire unused_high_bits = &{1'b0, sum};  // where ACC_BITS < SUM_BITS
  end

  sl_code_check #(.CODES(PE * SIMD)) i_check (
    .clk(clk), .rst(rst), .valid(en && held), .codes(codes), .bad_code(bad_code)
  );

endmodule

`default_nettype wire
