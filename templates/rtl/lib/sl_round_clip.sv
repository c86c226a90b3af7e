// Division by a power of two with round half to even, zero point and saturation.
//
//   y = clip(round_half_even(p / 2**SHIFT) + ZERO, LO, HI), its low OUT_BITS
//
// Three registers: floor and carry, offset, clip. The value is counted from LO, so that the lower
// clip is a sign test and, where HI - LO = 2**OUT_BITS - 1, the upper one an OR of the high bits.
//
// Latency: 3 enabled clocks. Throughput: one value an enabled clock.
`default_nettype none

module sl_round_clip #(
  parameter int P_BITS = 28,  // width of the signed input
  parameter int SHIFT = 12,   // 0 or more
  parameter int OUT_BITS = 8, // width of the output field
  parameter int LO = 0,
  parameter int HI = 255,
  parameter int ZERO = 0
) (
  input  wire                      clk,
  input  wire                      en,
  input  wire signed [P_BITS-1:0]  p,
  output logic       [OUT_BITS-1:0] y
);

  // Floor, and the carry that rounds it: guard bit set, and a bit below or the result's LSB too.
  localparam int WIDE = (P_BITS > SHIFT) ? P_BITS : SHIFT + 1;
  localparam int FLOOR_BITS = WIDE - SHIFT;

  wire [WIDE+1:0] p_padded = {WIDE'(p), 2'b00};
  wire guard = p_padded[SHIFT+1];
  wire odd = p_padded[SHIFT+2];
  wire below_guard = |p_padded[SHIFT:0];

  logic signed [FLOOR_BITS-1:0] floor_q;
  logic up_q;
  always_ff @(posedge clk) begin
    if (en) begin
      floor_q <= p_padded[WIDE+1:SHIFT+2];
      up_q <= guard && (odd || below_guard);
    end
  end

  // Distance from LO, wide enough for every input and for RANGE + 1.
  localparam int OFFSET = ZERO - LO;
  localparam int RANGE = HI - LO;
  localparam int OFFSET_BITS = $clog2((OFFSET < 0 ? -OFFSET : OFFSET) + 1) + 1;
  localparam int RANGE_BITS = $clog2(RANGE + 2) + 1;
  localparam int SUM_BITS = (FLOOR_BITS > OFFSET_BITS ? FLOOR_BITS : OFFSET_BITS) + 1;
  localparam int D_BITS = (SUM_BITS > RANGE_BITS) ? SUM_BITS : RANGE_BITS;

  logic signed [D_BITS-1:0] distance_q;
  always_ff @(posedge clk) begin
    if (en) distance_q <= D_BITS'(floor_q) + D_BITS'(OFFSET) + $signed(D_BITS'(up_q));
  end

  wire under = distance_q[D_BITS-1];
  wire over = distance_q[D_BITS-2:0] >= (D_BITS-1)'(RANGE + 1);
  wire [OUT_BITS-1:0] kept = OUT_BITS'(distance_q[D_BITS-2:0]);
  logic [OUT_BITS-1:0] clipped;
  always_comb begin
    if (under) clipped = '0;
    else if (over) clipped = OUT_BITS'(RANGE);
    else clipped = kept;
  end

  always_ff @(posedge clk) begin
    if (en) y <= clipped + OUT_BITS'(LO);
  end

endmodule

`default_nettype wire
