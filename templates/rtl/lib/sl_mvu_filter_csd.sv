// Matrix-vector unit with one alpha for each input position, shared by the outputs of a beat.
//
//   m[p] = b_data[p] + sum over sf, simd of product(z[simd], code[p][simd])  modulo 2**ACC_BITS
//   z[simd] = x[simd] * csd_K(alpha[simd]),  by sl_csd_multiply, once for all PE outputs
//
// with product() of sl_shift_product, as in sl_mvu_shift. With P = Z_BITS + 2, the true dot product
// results from the same bias:
//   bias = plain + #(negative codes) * (1 - 2**P)        for unsigned activations,
//   bias = plain + #(negative codes) - SIMD*SF * 2**(P-1) for signed ones.
// Every x * csd_K(alpha) must fit Z_BITS bits, of the sign of x. K is `quality`, taken at the first
// beat of each frame of PIXELS*NF*SF beats. GATE is that of sl_csd_multiply; no row of alpha is
// kept for an idle clock, so that the multipliers rest then.
//
// Stream: SIMD activations a beat in the order (nf, sf); one output beat of PE accumulators for
// every SF input beats; NF output beats a vector. One enable moves the whole pipeline:
// s_tready = !m_tvalid || m_tready.
// Memories: synchronous; each word comes one w_en clock after its address. AF = 1: one sweep of
// alphas serves all NF; AF = NF: each sweep has its own. Lane s of an alpha word, row codes as in
// sl_csd_multiply, is bits [s*3*ROWS +: 3*ROWS]; lane (p, s) of a weight word [(p*SIMD+s)*3 +: 3].
//
// Latency: from the last input beat of a sweep to its output beat clog2(SIMD) + clog2(ROWS) + 3
// enabled clocks (input register, multiplier, tree levels, accumulator). Throughput: one input beat
// an enabled clock.
// bad_code is high for one clock for every beat that has used code 111, which counts as 0.
`default_nettype none

module sl_mvu_filter_csd #(
  parameter int SIMD = 16,     // inputs a clock
  parameter int PE = 4,        // outputs in parallel
  parameter int SF = 4,        // beats a dot product
  parameter int NF = 1,        // output beats a vector
  parameter int X_BITS = 8,    // width of an activation
  parameter int X_SIGNED = 0,  // 1: activations are two's complement
  parameter int ROWS = 4,      // canonic digit pairs of an alpha
  parameter int AF = 1,        // sweeps that have alphas of their own, 1 or NF
  parameter int Z_BITS = 16,   // width of an activation times alpha
  parameter int ACC_BITS = 28, // width of an accumulator
  parameter int GATE = 1,      // what rests in a multiplier: 0 none, 1 product, 2 rows, 3 digits
  parameter int CLOCK_GATE = 0, // of the multipliers: see sl_clock_gate
  parameter int PIXELS = 1,    // vectors a frame
  localparam int W_ADDR_BITS = (SF * NF > 1) ? $clog2(SF * NF) : 1,
  localparam int A_ADDR_BITS = (SF * AF > 1) ? $clog2(SF * AF) : 1,
  localparam int B_ADDR_BITS = (NF > 1) ? $clog2(NF) : 1
) (
  input  wire                     clk,
  input  wire                     rst,
  input  wire  [3:0]              quality, // digits of alpha that are kept

  input  wire  [SIMD*X_BITS-1:0]  s_tdata,
  input  wire                     s_tvalid,
  output logic                    s_tready,

  output logic                    w_en,
  output logic [W_ADDR_BITS-1:0]  w_addr,  // nf * SF + sf
  input  wire  [PE*SIMD*3-1:0]    w_data,
  output logic [A_ADDR_BITS-1:0]  a_addr,  // sf, or nf * SF + sf
  input  wire  [SIMD*3*ROWS-1:0]  a_data,
  output logic [B_ADDR_BITS-1:0]  b_addr,  // nf
  input  wire  [PE*ACC_BITS-1:0]  b_data,

  output logic [PE*ACC_BITS-1:0]  m_tdata, // signed accumulators
  output logic                    m_tvalid,
  input  wire                     m_tready,

  output logic                    bad_code
);

  localparam int MULTIPLY = 1 + $clog2(ROWS);  // latency of a multiplier
  localparam int LEVELS = $clog2(SIMD);        // registered levels of the tree
  localparam int P = Z_BITS + 2;               // width of a product
  localparam int SUM_BITS = P + LEVELS;
  localparam int Z_FULL = X_BITS + 2 * ROWS + ((X_SIGNED != 0) ? 0 : 1);

  wire en;
  wire held;
  wire sum_valid;
  wire first;
  wire [W_ADDR_BITS-1:0] addr;
  assign w_en = en;

  sl_mvu_control #(
    .SF(SF), .NF(NF), .DELAY(1 + MULTIPLY + LEVELS), .HELD(1 + MULTIPLY)
  ) i_control (
    .clk(clk), .rst(rst), .s_tvalid(s_tvalid), .s_tready(s_tready), .m_tvalid(m_tvalid),
    .m_tready(m_tready), .en(en), .w_addr(addr), .b_addr(b_addr),
    .held(held), .sum_valid(sum_valid), .first(first)
  );

  // The codes of a beat meet its products with alpha, MULTIPLY clocks after alpha itself.
  sl_delay #(.BITS(W_ADDR_BITS), .CLOCKS(MULTIPLY)) i_address (
    .clk(clk), .en(en), .d(addr), .q(w_addr)
  );

  if (AF == NF) begin : gen_own_alphas
    assign a_addr = addr;
  end else begin : gen_shared_alphas
    sl_wrap_counter #(.COUNT(SF)) i_fold (
      .clk(clk), .rst(rst), .step(en && s_tvalid), .count(a_addr)
    );
  end

  wire [3:0] k;
  sl_quality_hold #(.BEATS(PIXELS * NF * SF)) i_quality (
    .clk(clk), .rst(rst), .step(en && s_tvalid), .quality(quality), .k(k)
  );

  // Input registers; the alphas of the same beat arrive from the memory at the same edge.
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

  wire [SIMD*Z_BITS-1:0] z;
  for (genvar s = 0; s < SIMD; s = s + 1) begin : gen_lane
    wire [3*ROWS-1:0] kept;
    wire signed [Z_FULL-1:0] scaled;

    sl_csd_keep #(.ROWS(ROWS)) i_keep (.rows(a_data[s*3*ROWS +: 3*ROWS]), .k(k_q), .kept(kept));

    sl_csd_multiply #(
      .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .ROWS(ROWS), .GATE(GATE)
    ) i_multiply (
      .clk(gclk), .en(ce), .x(x_q[s*X_BITS +: X_BITS]), .rows(kept), .p(scaled)
    );
    assign z[s*Z_BITS +: Z_BITS] = Z_BITS'(scaled);
    wire unused_high_bits = &{1'b0, scaled};  // where Z_BITS < Z_FULL
  end

  for (genvar p = 0; p < PE; p = p + 1) begin : gen_pe
    wire [SIMD*P-1:0] products;
    wire [SUM_BITS-1:0] sum;
    logic [ACC_BITS-1:0] acc_q;

    for (genvar s = 0; s < SIMD; s = s + 1) begin : gen_product
      sl_shift_product #(.X_BITS(Z_BITS), .X_SIGNED(X_SIGNED)) i_product (
        .x(z[s*Z_BITS +: Z_BITS]),
        .code(w_data[(p*SIMD+s)*3 +: 3]),
        .product(products[s*P +: P])
      );
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

  sl_code_check #(.CODES(PE * SIMD)) i_check (
    .clk(clk), .rst(rst), .valid(en && held), .codes(w_data), .bad_code(bad_code)
  );

endmodule

`default_nettype wire
