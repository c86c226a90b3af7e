// Division by a power of two with round half to even, zero point and clip, all chosen at run time.
//
//   y = clip(round_half_even(p / 2**shift) + zero, lo, hi), where t = p + half
//
// t >> amount is p / 2**amount with ties rounded up; a tie is where the bits shifted out are all
// 0, and the result's lowest bit is cleared there. amount, half, rest, offset and range come from
// sl_round_setup; they and lo are constants while values are under way.
//
// Latency: 4 clocks. Throughput: one value a clock.
`default_nettype none

module sl_round_shift #(
  parameter int P_BITS = 28,  // width of the signed value p; t has one bit more
  parameter int Y_BITS = 8,   // y has one bit more, for a sign
  localparam int S_BITS = $clog2(P_BITS + 1),
  localparam int V = Y_BITS + 2
) (
  input  wire                     clk,
  input  wire signed [P_BITS:0]   t,
  input  wire        [S_BITS-1:0] amount,
  input  wire        [P_BITS-1:0] rest,
  input  wire signed [V:0]        offset,
  input  wire        [V-1:0]      range,
  input  wire signed [V-1:0]      lo,
  output logic signed [Y_BITS:0]  y
);

  localparam int D_BITS = ((P_BITS > V) ? P_BITS : V) + 2;
  localparam int FINE = 3;  // bits of the amount that the second clock shifts by

  logic signed [P_BITS:0] coarse_q, floor_q;
  wire [S_BITS-1:0] fine = amount & S_BITS'((1 << FINE) - 1);
  wire [S_BITS-1:0] coarse = amount & ~S_BITS'((1 << FINE) - 1);
  wire signed [P_BITS:0] floor = coarse_q >>> fine;

  logic tie_q;
  logic signed [D_BITS-1:0] distance_q;
  wire under = distance_q[D_BITS-1];
  wire over = distance_q[D_BITS-2:0] > (D_BITS-1)'(range);
  logic [Y_BITS:0] clipped;
  always_comb begin
    if (under) clipped = '0;
    else if (over) clipped = range[Y_BITS:0];
    else clipped = distance_q[Y_BITS:0];
  end

  always_ff @(posedge clk) begin
    coarse_q <= t >>> coarse;
    tie_q <= (t[P_BITS-1:0] & rest) == '0 && rest[0];
    floor_q <= {floor[P_BITS:1], floor[0] && !tie_q};
    distance_q <= D_BITS'(floor_q) + D_BITS'(offset);
    y <= $signed(clipped) + $signed(lo[Y_BITS:0]);
  end
  wire unused_high_bit = &{1'b0, lo[V-1]};

endmodule

`default_nettype wire
