// Depthwise unit with run-time 3-bit QSQ shift weights: LANES channels a clock, one tap each.
//
//   m[l] = b_data[l] + sum over tap of product(x[tap][l], code[tap][l])  modulo 2**ACC_BITS
//
// with product() of sl_shift_product, where negative codes lack 1 and products have offsets. With
// P = X_BITS + 2, the true sum results from
//   bias = plain + #(negative codes) * (1 - 2**P)    for unsigned activations,
//   bias = plain + #(negative codes) - TAPS * 2**(P-1) for signed ones.
//
// Stream: LANES activations a beat in the order (fold, tap), lane l of fold f being channel
// f*LANES + l; one output beat of LANES accumulators for every TAPS input beats; FOLDS output beats
// a pixel. One enable moves the whole pipeline: s_tready = !m_tvalid || m_tready.
// Memories: synchronous; weights and bias one w_en clock after their address. Lane l of a weight
// word is bits [l*3 +: 3].
//
// Latency: 2 enabled clocks from the last tap to the output beat. Throughput: one input beat an
// enabled clock. bad_code is high for one clock for every beat that has used code 111, which
// counts as 0.
`default_nettype none

module sl_dw_shift #(
  parameter int LANES = 8,     // channels in parallel
  parameter int TAPS = 9,      // beats a dot product
  parameter int FOLDS = 2,     // output beats a pixel
  parameter int X_BITS = 8,    // width of an activation
  parameter int X_SIGNED = 0,  // 1: activations are two's complement
  parameter int ACC_BITS = 16, // width of an accumulator
  localparam int W_ADDR_BITS = (TAPS * FOLDS > 1) ? $clog2(TAPS * FOLDS) : 1,
  localparam int B_ADDR_BITS = (FOLDS > 1) ? $clog2(FOLDS) : 1
) (
  input  wire                      clk,
  input  wire                      rst,

  input  wire  [LANES*X_BITS-1:0]  s_tdata,
  input  wire                      s_tvalid,
  output logic                     s_tready,

  output logic                     w_en,
  output logic [W_ADDR_BITS-1:0]   w_addr,  // fold * TAPS + tap
  input  wire  [LANES*3-1:0]       w_data,
  output logic [B_ADDR_BITS-1:0]   b_addr,  // fold
  input  wire  [LANES*ACC_BITS-1:0] b_data,

  output logic [LANES*ACC_BITS-1:0] m_tdata, // signed accumulators
  output logic                     m_tvalid,
  input  wire                      m_tready,

  output logic                     bad_code
);

  localparam int P = X_BITS + 2;  // width of a product

  wire held, sum_valid, first;

  sl_mvu_control #(.SF(TAPS), .NF(FOLDS), .DELAY(1)) i_control (
    .clk(clk), .rst(rst), .s_tvalid(s_tvalid), .s_tready(s_tready), .m_tvalid(m_tvalid),
    .m_tready(m_tready), .en(w_en), .w_addr(w_addr), .b_addr(b_addr), .held(held),
    .sum_valid(sum_valid), .first(first)
  );

  // Input register; the weights of the same beat arrive from the memory at the same edge.
  logic [LANES*X_BITS-1:0] x_q;
  always_ff @(posedge clk) begin
    if (w_en) x_q <= s_tdata;
  end

  for (genvar l = 0; l < LANES; l = l + 1) begin : gen_lane
    wire [P-1:0] product;
    sl_shift_product #(.X_BITS(X_BITS), .X_SIGNED(X_SIGNED)) i_product (
      .x(x_q[l*X_BITS +: X_BITS]), .code(w_data[l*3 +: 3]), .product(product)
    );

    // A sum starts from its bias; the choice and the addition share one LUT a bit.
    logic [ACC_BITS-1:0] acc_q;
    wire [ACC_BITS-1:0] base = first ? b_data[l*ACC_BITS +: ACC_BITS] : acc_q;
    always_ff @(posedge clk) begin
      if (w_en && sum_valid) acc_q <= ACC_BITS'(product) + base;
    end
    assign m_tdata[l*ACC_BITS +: ACC_BITS] = acc_q;
    wire unused_high_bits = &{1'b0, product};  // where ACC_BITS < P
  end

  sl_code_check #(.CODES(LANES)) i_check (
    .clk(clk), .rst(rst), .valid(w_en && held), .codes(w_data), .bad_code(bad_code)
  );

endmodule

`default_nettype wire
