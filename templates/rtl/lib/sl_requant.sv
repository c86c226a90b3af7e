// Requantization: sums to activations by a multiplier and an offset per channel and one shift.
//
//   y = clip(round_half_even((x * M + C) / 2**SHIFT) + ZERO, LO, HI), its low OUT_BITS
//
// Stream: LANES values a beat, FOLDS beats a pixel (channel = fold * LANES + lane).
// Memory: synchronous, data one p_en clock after the address; lane l is {C, M}, M in the low bits,
// at p_data[l*(C_BITS+M_BITS) +: C_BITS+M_BITS]. C_BITS = 0: C is 0 everywhere.
// One enable moves the whole pipeline: s_tready = !m_tvalid || m_tready.
//
// Latency: input beat to output beat LATENCY enabled clocks: 7 with DSP blocks, else 4 + LEVELS and
// one more with an offset, where LEVELS = clog2(ceil(M_BITS / 2)). Throughput: one beat an enabled
// clock.
`default_nettype none

module sl_requant #(
  parameter int LANES = 4,
  parameter int FOLDS = 1,
  parameter int IN_BITS = 20, // width of a value
  parameter int X_SIGNED = 1, // 1: values are two's complement
  parameter int M_BITS = 8,   // width of the unsigned multiplier
  parameter int C_BITS = 0,   // width of the signed offset, 0: none
  parameter int SHIFT = 12,
  parameter int OUT_BITS = 8, // width of an output field
  parameter int LO = 0,
  parameter int HI = 255,
  parameter int ZERO = 0,
  parameter int USE_DSP = 0,  // 1: DSP blocks; 0: shift-add rows
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

  output logic [LANES*OUT_BITS-1:0] m_tdata,
  output logic                     m_tvalid,
  input  wire                      m_tready
);

  localparam int A_BITS = (X_SIGNED != 0) ? IN_BITS : IN_BITS + 1;
  localparam int C_PORT = (C_BITS > 0) ? C_BITS : 1;
  localparam int WIDEST = (C_BITS > A_BITS + M_BITS) ? C_BITS : A_BITS + M_BITS;
  localparam int P_BITS = (C_BITS > 0) ? WIDEST + 1 : WIDEST;
  localparam int LEVELS = $clog2((M_BITS + 1) / 2) + ((C_BITS > 0) ? 1 : 0);
  localparam int LATENCY = (USE_DSP != 0) ? 7 : 4 + LEVELS;

  wire en = !m_tvalid || m_tready;
  assign s_tready = en;
  assign p_en = en;

  logic [LATENCY-1:0] valid_q;
  always_ff @(posedge clk) begin
    if (rst) valid_q <= '0;
    else if (en) valid_q <= {valid_q[LATENCY-2:0], s_tvalid};
  end
  assign m_tvalid = valid_q[LATENCY-1];

  sl_wrap_counter #(.COUNT(FOLDS)) i_fold (
    .clk(clk), .rst(rst), .step(en && s_tvalid), .count(p_addr)
  );

  for (genvar l = 0; l < LANES; l = l + 1) begin : gen_lane
    wire [IN_BITS-1:0] x = s_tdata[l*IN_BITS +: IN_BITS];
    wire sign = (X_SIGNED != 0) && x[IN_BITS-1];
    wire [WORD-1:0] word = p_data[l*WORD +: WORD];
    wire signed [C_PORT-1:0] offset;
    wire signed [P_BITS-1:0] product;

    if (C_BITS > 0) begin : gen_offset
      assign offset = word[WORD-1:M_BITS];
    end else begin : gen_none
      assign offset = '0;
    end

    sl_multiply #(
      .A_BITS(A_BITS), .B_BITS(M_BITS), .C_BITS(C_BITS), .USE_DSP(USE_DSP)
    ) i_multiply (
      .clk(clk), .en(en), .a(A_BITS'({sign, x})), .b(word[M_BITS-1:0]), .c(offset), .p(product)
    );

    sl_round_clip #(
      .P_BITS(P_BITS), .SHIFT(SHIFT), .OUT_BITS(OUT_BITS), .LO(LO), .HI(HI), .ZERO(ZERO)
    ) i_round (
      .clk(clk), .en(en), .p(product), .y(m_tdata[l*OUT_BITS +: OUT_BITS])
    );
  end

endmodule

`default_nettype wire
