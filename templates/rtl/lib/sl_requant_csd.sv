// Requantization as in sl_requant, by the K most significant signed digits of each multiplier.
//
//   y = clip(round_half_even((x * csd_K(M) + C) / 2**SHIFT) + ZERO, LO, HI), its low OUT_BITS
//
// Stream: LANES values a beat, FOLDS beats a pixel (channel = fold * LANES + lane), PIXELS pixels a
// frame. K is `quality` at the first beat of a frame.
// Memory: synchronous, data one p_en clock after the address; lane l is {C, M}, M in the low bits,
// codes of ROWS pairs of canonic digits as of sl_csd_keep, at p_data[l*WORD +: WORD], where
// WORD = C_BITS + 3*ROWS. C_BITS = 0: C is 0 everywhere.
// One enable moves the whole pipeline: s_tready = !m_tvalid || m_tready.
//
// Latency: input beat to output beat LATENCY = 5 + clog2(ROWS) enabled clocks, one more with an
// offset. Throughput: one beat an enabled clock.
`default_nettype none

module sl_requant_csd #(
  parameter int LANES = 4,
  parameter int FOLDS = 1,
  parameter int IN_BITS = 20, // width of a value
  parameter int X_SIGNED = 1, // 1: values are two's complement
  parameter int ROWS = 5,     // pairs of digits of the multiplier, at most 15
  parameter int C_BITS = 0,   // width of the signed offset, 0: none
  parameter int SHIFT = 12,
  parameter int OUT_BITS = 8, // width of an output field
  parameter int LO = 0,
  parameter int HI = 255,
  parameter int ZERO = 0,
  parameter int GATE = 1,     // grain of the gating, as of sl_csd_multiply
  parameter int PIXELS = 16,  // a frame
  localparam int M_BITS = 3 * ROWS,
  localparam int WORD = C_BITS + M_BITS,
  localparam int ADDR_BITS = (FOLDS > 1) ? $clog2(FOLDS) : 1
) (
  input  wire                      clk,
  input  wire                      rst,

  input  wire  [LANES*IN_BITS-1:0] s_tdata,
  input  wire                      s_tvalid,
  output logic                     s_tready,

  output logic                     p_en,
  output logic [ADDR_BITS-1:0]     p_addr,  // fold
  input  wire  [LANES*WORD-1:0]    p_data,

  input  wire  [3:0]               quality,

  output logic [LANES*OUT_BITS-1:0] m_tdata,
  output logic                     m_tvalid,
  input  wire                      m_tready
);

  localparam int C_PORT = (C_BITS > 0) ? C_BITS : 1;
  localparam int X_BITS = (X_SIGNED != 0) ? IN_BITS : IN_BITS + 1;
  localparam int PRODUCT = X_BITS + 2 * ROWS;
  localparam int WIDEST = (C_BITS > PRODUCT) ? C_BITS : PRODUCT;
  localparam int P_BITS = (C_BITS > 0) ? WIDEST + 1 : PRODUCT;
  localparam int MULTIPLY = 1 + $clog2(ROWS);
  localparam int LATENCY = 4 + MULTIPLY + ((C_BITS > 0) ? 1 : 0);

  wire en = !m_tvalid || m_tready;
  wire step = en && s_tvalid;
  assign s_tready = en;
  assign p_en = en;

  logic [LATENCY-1:0] valid_q;
  always_ff @(posedge clk) begin
    if (rst) valid_q <= '0;
    else if (en) valid_q <= {valid_q[LATENCY-2:0], s_tvalid};
  end
  assign m_tvalid = valid_q[LATENCY-1];

  sl_wrap_counter #(.COUNT(FOLDS)) i_fold (
    .clk(clk), .rst(rst), .step(step), .count(p_addr)
  );

  // K goes beside the value that it was taken for, as the word from the memory does.
  wire [3:0] k;
  logic [3:0] k_q;
  sl_quality_hold #(.BEATS(FOLDS * PIXELS)) i_quality (
    .clk(clk), .rst(rst), .step(step), .quality(quality), .k(k)
  );
  always_ff @(posedge clk) begin
    if (en) k_q <= k;
  end

  for (genvar l = 0; l < LANES; l = l + 1) begin : gen_lane
    wire [WORD-1:0] word = p_data[l*WORD +: WORD];
    wire [M_BITS-1:0] kept;
    wire signed [PRODUCT-1:0] product;
    wire signed [P_BITS-1:0] sum;

    logic [IN_BITS-1:0] x_q;
    always_ff @(posedge clk) begin
      if (en) x_q <= s_tdata[l*IN_BITS +: IN_BITS];
    end

    sl_csd_keep #(.ROWS(ROWS)) i_keep (.rows(word[M_BITS-1:0]), .k(k_q), .kept(kept));

    sl_csd_multiply #(
      .X_BITS(IN_BITS), .X_SIGNED(X_SIGNED), .ROWS(ROWS), .GATE(GATE)
    ) i_multiply (
      .clk(clk), .en(en), .x(x_q), .rows(kept), .p(product)
    );

    if (C_BITS > 0) begin : gen_offset
      wire signed [C_PORT-1:0] offset;
      logic signed [P_BITS-1:0] sum_q;
      sl_delay #(.BITS(C_PORT), .CLOCKS(MULTIPLY)) i_offset (
        .clk(clk), .en(en), .d(word[WORD-1:M_BITS]), .q(offset)
      );
      always_ff @(posedge clk) begin
        if (en) sum_q <= P_BITS'(product) + P_BITS'(offset);
      end
      assign sum = sum_q;
    end else begin : gen_plain
      assign sum = product;
    end

    sl_round_clip #(
      .P_BITS(P_BITS), .SHIFT(SHIFT), .OUT_BITS(OUT_BITS), .LO(LO), .HI(HI), .ZERO(ZERO)
    ) i_round (
      .clk(clk), .en(en), .p(sum), .y(m_tdata[l*OUT_BITS +: OUT_BITS])
    );
  end

endmodule

`default_nettype wire
