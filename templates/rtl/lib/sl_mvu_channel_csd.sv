// Matrix-vector unit with one alpha for each short vector of an output's weights.
//
//   v = sum over the LENGTH terms of a vector of x * beta, by shifts and additions
//   m[p] = b_data[p] + sum over the vectors of v * csd_K(alpha), by sl_csd_multiply
//        + SF*VECTORS * 2**(Z_BITS-1)   modulo 2**ACC_BITS
//
// LENGTH = VF * SIMD / VECTORS: a vector takes VF beats (VECTORS = 1), or VECTORS vectors share a
// beat (VF = 1). The compiler folds the last term into the bias. K is `quality`, taken at the first
// beat of each frame of PIXELS*NF*SF beats. Every v must fit V_BITS bits, and every product with
// csd_K(alpha) Z_BITS, both signed. GATE is that of sl_csd_multiply; no row of alpha is kept for a
// clock in which no vector is complete, so that the multipliers rest then.
//
// sl_shift_product leaves out 1 for each negative code and has offsets; the vectors make up for
// that before they are multiplied: their number of negative codes is a memory of its own.
//
// Stream: SIMD activations a beat in the order (nf, sf); one output beat of PE accumulators for
// every SF input beats; NF output beats a vector of activations. One enable moves the whole
// pipeline: s_tready = !m_tvalid || m_tready.
// Memories: synchronous; each word comes one w_en clock after its address. Lane (p, s) of a weight
// word is bits [(p*SIMD+s)*3 +: 3]. Lane (p, g) of a count is [(p*VECTORS+g)*N_BITS +: N_BITS], of
// an alpha word, row codes as in sl_csd_multiply, [(p*VECTORS+g)*3*ROWS +: 3*ROWS].
//
// Latency: from the last input beat of a sweep to its output beat clog2(SIMD / VECTORS) +
// clog2(ROWS) + clog2(VECTORS) + 4 enabled clocks (input register, tree, vector, multiplier, tree,
// accumulator). Throughput: one input beat an enabled clock.
// bad_code is high for one clock for every beat that has used code 111, which counts as 0.
`default_nettype none

module sl_mvu_channel_csd #(
  parameter int SIMD = 16,     // inputs a clock
  parameter int PE = 4,        // outputs in parallel
  parameter int SF = 4,        // beats a dot product
  parameter int NF = 1,        // output beats a vector of activations
  parameter int X_BITS = 8,    // width of an activation
  parameter int X_SIGNED = 0,  // 1: activations are two's complement
  parameter int VF = 1,        // beats a vector of weights, a divisor of SF
  parameter int VECTORS = 4,   // vectors of weights a beat, a divisor of SIMD
  parameter int V_BITS = 14,   // width of the sum of a vector
  parameter int ROWS = 4,      // canonic digit pairs of an alpha
  parameter int Z_BITS = 22,   // width of that sum times alpha
  parameter int ACC_BITS = 28, // width of an accumulator
  parameter int GATE = 1,      // what rests in a multiplier: 0 none, 1 product, 2 rows, 3 digits
  parameter int CLOCK_GATE = 0, // of the multipliers: see sl_clock_gate
  parameter int PIXELS = 1,    // vectors of activations a frame
  localparam int WORDS = SF * NF / VF,
  localparam int N_BITS = $clog2(VF * SIMD / VECTORS + 1),
  localparam int W_ADDR_BITS = (SF * NF > 1) ? $clog2(SF * NF) : 1,
  localparam int A_ADDR_BITS = (WORDS > 1) ? $clog2(WORDS) : 1,
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
  output logic [A_ADDR_BITS-1:0]  n_addr,  // (nf * SF + sf) / VF
  input  wire  [PE*VECTORS*N_BITS-1:0] n_data,
  output logic [A_ADDR_BITS-1:0]  a_addr,  // the same
  input  wire  [PE*VECTORS*3*ROWS-1:0] a_data,
  output logic [B_ADDR_BITS-1:0]  b_addr,  // nf
  input  wire  [PE*ACC_BITS-1:0]  b_data,

  output logic [PE*ACC_BITS-1:0]  m_tdata, // signed accumulators
  output logic                    m_tvalid,
  input  wire                     m_tready,

  output logic                    bad_code
);

  localparam int TERMS = SIMD / VECTORS;       // of a vector in a beat
  localparam int LEVELS = $clog2(TERMS);
  localparam int MULTIPLY = 1 + $clog2(ROWS);  // latency of a multiplier
  localparam int P = X_BITS + 2;               // width of a shift product
  localparam int LOW = (X_SIGNED != 0) ? P - 1 : P;  // weight of an offset
  localparam int SUM_BITS = P + LEVELS;
  localparam int ALL_BITS = Z_BITS + $clog2(VECTORS);
  localparam int DELAY = LEVELS + 2 + MULTIPLY + $clog2(VECTORS);

  wire en;
  wire held;
  wire sum_valid;
  wire first;
  assign w_en = en;

  sl_mvu_control #(.SF(SF), .NF(NF), .DELAY(DELAY)) i_control (
    .clk(clk), .rst(rst), .s_tvalid(s_tvalid), .s_tready(s_tready), .m_tvalid(m_tvalid),
    .m_tready(m_tready), .en(en), .w_addr(w_addr), .b_addr(b_addr),
    .held(held), .sum_valid(sum_valid), .first(first)
  );

  // The vector of the beat that is accepted next, and whether it begins or ends with it.
  wire [A_ADDR_BITS-1:0] vector;
  wire begins;
  wire ends;
  if (VF == 1) begin : gen_whole
    assign begins = 1'b1;
    assign ends = 1'b1;
    assign vector = w_addr;
  end else begin : gen_parts
    localparam int VF_BITS = $clog2(VF);
    wire [VF_BITS-1:0] part;
    sl_wrap_counter #(.COUNT(VF)) i_part (
      .clk(clk), .rst(rst), .step(en && s_tvalid), .count(part)
    );
    assign begins = part == '0;
    assign ends = part == VF_BITS'(VF - 1);
    sl_wrap_counter #(.COUNT(WORDS)) i_vector (
      .clk(clk), .rst(rst), .step(en && s_tvalid && ends), .count(vector)
    );
  end

  // Counts and alphas meet the sums of the tree.
  sl_delay #(.BITS(A_ADDR_BITS), .CLOCKS(LEVELS)) i_vector_address (
    .clk(clk), .en(en), .d(vector), .q(n_addr)
  );
  assign a_addr = n_addr;

  // Without reset: what is in them ends before the first beat of a vector comes through.
  wire step;
  wire fresh;
  sl_delay #(.BITS(2), .CLOCKS(LEVELS + 1)) i_steps (
    .clk(clk), .en(en), .d({s_tvalid, begins}), .q({step, fresh})
  );

  wire [3:0] k;
  wire [3:0] k_used = (s_tvalid && ends) ? k : '0;
  wire [3:0] k_late;
  sl_quality_hold #(.BEATS(PIXELS * NF * SF)) i_quality (
    .clk(clk), .rst(rst), .step(en && s_tvalid), .quality(quality), .k(k)
  );
  sl_delay #(.BITS(4), .CLOCKS(LEVELS + 1)) i_late_quality (
    .clk(clk), .en(en), .d(k_used), .q(k_late)
  );

  // Input register; the weights of the same beat arrive from the memory at the same edge.
  logic [SIMD*X_BITS-1:0] x_q;
  always_ff @(posedge clk) begin
    if (en) x_q <= s_tdata;
  end

  // Bit i: a beat is on its way into register i of the multipliers.
  logic [MULTIPLY-1:0] moving_q;
  always_ff @(posedge clk) begin
    if (rst) moving_q <= '0;
    else if (en) moving_q <= MULTIPLY'({moving_q, step});
  end

  wire gclk;
  wire ce;
  sl_clock_gate #(.STYLE(CLOCK_GATE)) i_gate (
    .clk(clk), .en(en && |moving_q), .gclk(gclk), .ce(ce)
  );

  // Lane (p, g), vector g of output p; terms that are too large by 2**(Z_BITS-1).
  wire [PE*VECTORS*Z_BITS-1:0] z;
  for (genvar v = 0; v < PE * VECTORS; v = v + 1) begin : gen_vector
    wire [TERMS*P-1:0] products;
    wire [SUM_BITS-1:0] sum;
    wire [3*ROWS-1:0] kept;
    logic [3*ROWS-1:0] kept_q;
    wire signed [V_BITS+2*ROWS-1:0] scaled;
    logic [V_BITS-1:0] vector_q;

    for (genvar t = 0; t < TERMS; t = t + 1) begin : gen_product
      sl_shift_product #(.X_BITS(X_BITS), .X_SIGNED(X_SIGNED)) i_product (
        .x(x_q[((v%VECTORS)*TERMS+t)*X_BITS +: X_BITS]),
        .code(w_data[(v*TERMS+t)*3 +: 3]),
        .product(products[t*P +: P])
      );
    end

    sl_adder_tree #(.N(TERMS), .BITS(P)) i_tree (
      .clk(clk), .en(en), .terms(products), .sum(sum)
    );

    // A vector starts from what its products lack in all: 1 a negative code, less the offsets,
    // a multiple of 2**LOW. Most counts end below that, so that no carry joins the two.
    wire [V_BITS-1:0] count = V_BITS'(n_data[v*N_BITS +: N_BITS]);
    wire [V_BITS-1:0] offsets = (X_SIGNED != 0) ? V_BITS'(VF * TERMS) : count;
    wire [V_BITS-1:0] high = -offsets << LOW;
    wire [V_BITS-1:0] lacking = (N_BITS <= LOW) ? count | high : count + high;
    wire [V_BITS-1:0] base = (VF == 1 || fresh) ? lacking : vector_q;
    always_ff @(posedge clk) begin
      if (en && step) vector_q <= V_BITS'(sum) + base;
    end
    wire unused_sum_bits = &{1'b0, sum};  // where V_BITS < SUM_BITS

    sl_csd_keep #(.ROWS(ROWS)) i_keep (
      .rows(a_data[v*3*ROWS +: 3*ROWS]), .k(k_late), .kept(kept)
    );
    always_ff @(posedge clk) begin
      if (en) kept_q <= kept;
    end

    sl_csd_multiply #(
      .X_BITS(V_BITS), .X_SIGNED(1), .ROWS(ROWS), .GATE(GATE)
    ) i_multiply (
      .clk(gclk), .en(ce), .x(vector_q), .rows(kept_q), .p(scaled)
    );
    assign z[v*Z_BITS +: Z_BITS] = Z_BITS'(scaled) ^ (Z_BITS'(1) << (Z_BITS - 1));
    wire unused_product_bits = &{1'b0, scaled};  // above Z_BITS
  end

  for (genvar p = 0; p < PE; p = p + 1) begin : gen_pe
    wire [ALL_BITS-1:0] sum;
    logic [ACC_BITS-1:0] acc_q;

    sl_adder_tree #(.N(VECTORS), .BITS(Z_BITS)) i_tree (
      .clk(clk), .en(en), .terms(z[p*VECTORS*Z_BITS +: VECTORS*Z_BITS]), .sum(sum)
    );

    // A sweep starts from its bias; the choice and the addition share one LUT a bit.
    wire [ACC_BITS-1:0] base = first ? b_data[p*ACC_BITS +: ACC_BITS] : acc_q;
    always_ff @(posedge clk) begin
      if (en && sum_valid) acc_q <= ACC_BITS'(sum) + base;
    end
    assign m_tdata[p*ACC_BITS +: ACC_BITS] = acc_q;
    wire unused_high_bits = &{1'b0, sum};  // where ACC_BITS < ALL_BITS
  end

  sl_code_check #(.CODES(PE * SIMD)) i_check (
    .clk(clk), .rst(rst), .valid(en && held), .codes(w_data), .bad_code(bad_code)
  );

endmodule

`default_nettype wire
