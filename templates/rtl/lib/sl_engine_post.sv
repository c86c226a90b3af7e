// Post-processing of an engine: sums to activations, and the sum with a residual, LANES a clock.
//
//   y1 = clip(round_half_even((acc * M + OFFS) / 2**shift) + zero, lo, hi)
//   y  = y1, or with `residual`:
//        clip(round_half_even((m1 * y1 + m2 * r + add) / 2**shift2) + zero2, lo2, hi2)
//
// Lane l of `scale` is {OFFS, M}, M unsigned in the low M_BITS, OFFS signed in C_BITS, which may be
// 0. Lane l of `res` is r, two's complement where res_signed is set. y is its low LANE bits.
// The constants from `shift` on hold still from 2 clocks before a sum comes until its y has left.
// Without `residual` the second half passes y1 on: m1 = 1, all else 0.
//
// Latency: LATENCY = 15 clocks: product 3, rounding 4, sum 4, rounding 4. Nothing stalls.
// Throughput: LANES values a clock.
`default_nettype none

module sl_engine_post #(
  parameter int LANES = 16,
  parameter int LANE = 8,       // stored bits of an activation
  parameter int ACC_BITS = 24,  // width of a signed sum
  parameter int M_BITS = 8,     // width of the unsigned multiplier
  parameter int C_BITS = 0,     // width of the signed offset, 0: none
  parameter int F_BITS = 16,    // width of the signed m1 and m2, 2 or more: they hold a 1
  parameter int K_BITS = 24,    // width of the signed add
  localparam int WORD = C_BITS + M_BITS,
  localparam int V = LANE + 2
) (
  input  wire                      clk,
  input  wire                      rst,

  input  wire                      in_valid,
  input  wire [LANES*ACC_BITS-1:0] acc,
  input  wire [LANES*WORD-1:0]     scale,
  input  wire [LANES*LANE-1:0]     res,

  input  wire        [7:0]         shift,
  input  wire signed [V-1:0]       lo,
  input  wire signed [V-1:0]       hi,
  input  wire signed [V-1:0]       zero,
  input  wire                      residual,
  input  wire                      res_signed,
  input  wire signed [F_BITS-1:0]  m1,
  input  wire signed [F_BITS-1:0]  m2,
  input  wire signed [K_BITS-1:0]  add,
  input  wire        [7:0]         shift2,
  input  wire signed [V-1:0]       lo2,
  input  wire signed [V-1:0]       hi2,
  input  wire signed [V-1:0]       zero2,

  output logic                     out_valid,
  output logic [LANES*LANE-1:0]    y
);

  localparam int LATENCY = 15;
  localparam int FIRST = 7;  // clocks until y1
  localparam int WIDEST = (C_BITS > ACC_BITS + M_BITS) ? C_BITS : ACC_BITS + M_BITS;
  localparam int P1 = (C_BITS > 0) ? WIDEST + 1 : WIDEST;
  localparam int S1 = $clog2(P1 + 1);
  localparam int PAIR = F_BITS + LANE + 2;  // width of m1 * y1 + m2 * r
  localparam int P2 = ((K_BITS > PAIR) ? K_BITS : PAIR) + 1;
  localparam int S2 = $clog2(P2 + 1);

  logic [LATENCY-1:0] valid_q;
  always_ff @(posedge clk) begin
    if (rst) valid_q <= '0;
    else valid_q <= {valid_q[LATENCY-2:0], in_valid};
  end
  assign out_valid = valid_q[LATENCY-1];

  wire [S1-1:0] amount1;
  wire [P1-1:0] half1, rest1;
  wire signed [V:0] offset1;
  wire [V-1:0] range1;
  sl_round_setup #(.P_BITS(P1), .Y_BITS(LANE)) i_setup1 (
    .clk(clk), .shift(shift), .lo(lo), .hi(hi), .zero(zero),
    .amount(amount1), .half(half1), .rest(rest1), .offset(offset1), .range(range1)
  );

  wire signed [V-1:0] lo_last = residual ? lo2 : lo;
  wire [S2-1:0] amount2;
  wire [P2-1:0] half2, rest2;
  wire signed [V:0] offset2;
  wire [V-1:0] range2;
  sl_round_setup #(.P_BITS(P2), .Y_BITS(LANE)) i_setup2 (
    .clk(clk), .shift(residual ? shift2 : 8'd0), .lo(lo_last), .hi(residual ? hi2 : hi),
    .zero(residual ? zero2 : V'(0)),
    .amount(amount2), .half(half2), .rest(rest2), .offset(offset2), .range(range2)
  );

  logic signed [F_BITS-1:0] m1_q, m2_q;
  logic signed [P2:0] add_q;
  always_ff @(posedge clk) begin
    m1_q <= residual ? m1 : F_BITS'(1);
    m2_q <= residual ? m2 : '0;
    add_q <= (residual ? (P2+1)'(add) : '0) + $signed({1'b0, half2});
  end

  wire [LANES*LANE-1:0] res_late;
  sl_delay #(.BITS(LANES * LANE), .CLOCKS(FIRST)) i_res (
    .clk(clk), .en(1'b1), .d(res), .q(res_late)
  );

  for (genvar l = 0; l < LANES; l = l + 1) begin : gen_lane
    wire [WORD-1:0] word = scale[l*WORD +: WORD];
    wire [LANE-1:0] r = res_late[l*LANE +: LANE];
    wire signed [P1:0] addend;
    wire signed [P1:0] t1;
    wire signed [P2:0] t2;
    wire signed [LANE:0] y1, y2;

    if (C_BITS > 0) begin : gen_offset
      wire signed [C_BITS-1:0] offset = word[WORD-1:M_BITS];
      assign addend = (P1+1)'(offset) + $signed({1'b0, half1});
    end else begin : gen_none
      assign addend = $signed({1'b0, half1});
    end

    sl_multiply_dsp #(.A_BITS(ACC_BITS), .B_BITS(M_BITS), .P_BITS(P1 + 1)) i_multiply (
      .clk(clk), .en(1'b1), .a(acc[l*ACC_BITS +: ACC_BITS]), .b(word[M_BITS-1:0]), .c(addend),
      .p(t1)
    );
    sl_round_shift #(.P_BITS(P1), .Y_BITS(LANE)) i_round1 (
      .clk(clk), .t(t1), .amount(amount1), .rest(rest1), .offset(offset1), .range(range1),
      .lo(lo), .y(y1)
    );
    sl_weighted_pair #(.X_BITS(LANE + 1), .M_BITS(F_BITS), .P_BITS(P2 + 1)) i_pair (
      .clk(clk), .a(y1), .b({res_signed && r[LANE-1], r}), .m_a(m1_q), .m_b(m2_q), .c(add_q),
      .p(t2)
    );
    sl_round_shift #(.P_BITS(P2), .Y_BITS(LANE)) i_round2 (
      .clk(clk), .t(t2), .amount(amount2), .rest(rest2), .offset(offset2), .range(range2),
      .lo(lo_last), .y(y2)
    );
    assign y[l*LANE +: LANE] = y2[LANE-1:0];
    wire unused_sign = &{1'b0, y2[LANE]};
  end

endmodule

`default_nettype wire
