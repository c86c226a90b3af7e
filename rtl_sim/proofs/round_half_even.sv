// sl_round_clip gives the clipped integer nearest to p / 2**SHIFT, the even one of two, plus ZERO.
//
// The nearest integer is not computed: it is any one that fits the definition.
`default_nettype none

module round_half_even #(
  parameter int P_BITS = 28,
  parameter int SHIFT = 12,
  parameter int OUT_BITS = 8,
  parameter int LO = 0,
  parameter int HI = 255,
  parameter int ZERO = 0,
  parameter int CLOCKS = 3  // enabled clocks from p to y
) (
  input wire                     clk,
  input wire                     en,
  input wire signed [P_BITS-1:0] p,
  input wire [OUT_BITS-1:0]      y
);

  localparam int BITS = P_BITS + SHIFT + 2;
  localparam logic signed [BITS-1:0] UNIT = BITS'(1) << SHIFT;

  wire signed [P_BITS:0] nearest;  // free
  wire signed [BITS-1:0] twice = (BITS'(p) - (BITS'(nearest) <<< SHIFT)) <<< 1;  // of the rest
  always_comb assume (twice >= -UNIT && twice <= UNIT);
  always_comb if (twice == UNIT || twice == -UNIT) assume (!nearest[0]);

  wire signed [P_BITS+OUT_BITS:0] sum = (P_BITS+OUT_BITS+1)'(nearest) + ZERO;
  wire [OUT_BITS-1:0] clipped =
    (sum < LO) ? OUT_BITS'(LO) : (sum > HI) ? OUT_BITS'(HI) : OUT_BITS'(sum);

  logic [CLOCKS-1:0] known_q = '0;
  logic [CLOCKS*OUT_BITS-1:0] expected_q;  // newest in the low bits
  always_ff @(posedge clk) if (en) begin
    known_q    <= CLOCKS'({known_q, 1'b1});
    expected_q <= (CLOCKS*OUT_BITS)'({expected_q, clipped});
  end
  always_comb if (known_q[CLOCKS-1]) assert (y == expected_q[(CLOCKS-1)*OUT_BITS +: OUT_BITS]);

endmodule

`default_nettype wire
