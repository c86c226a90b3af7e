// sl_requant of one lane gives the clipped integer nearest to (x * M + C) / 2**SHIFT, the even one of
// two, plus ZERO, CLOCKS enabled clocks after M and C have come.
//
// The nearest integer is not computed: it is any one that fits the definition.
`default_nettype none

module requantized #(
  parameter int IN_BITS = 6,
  parameter int M_BITS = 4,
  parameter int C_BITS = 0,
  parameter int SHIFT = 4,
  parameter int OUT_BITS = 4,
  parameter int LO = -7,
  parameter int HI = 7,
  parameter int ZERO = 0,
  parameter int CLOCKS = 4,
  localparam int WORD = M_BITS + C_BITS
) (
  input wire                clk,
  input wire                rst,
  input wire                en,
  input wire [IN_BITS-1:0]  s_tdata,
  input wire                s_tvalid,
  input wire [WORD-1:0]     p_data,
  input wire [OUT_BITS-1:0] m_tdata,
  input wire                m_tvalid
);

  localparam int BITS = IN_BITS + WORD + SHIFT + 2;
  localparam logic signed [BITS-1:0] UNIT = BITS'(1) << SHIFT;

  logic signed [IN_BITS-1:0] x_q;
  wire signed [BITS-1:0] m = $signed(BITS'(p_data[M_BITS-1:0]));
  wire signed [BITS-1:0] c = (C_BITS > 0) ? BITS'($signed(p_data) >>> M_BITS) : '0;
  wire signed [BITS-1:0] scaled = BITS'(x_q) * m + c;

  wire signed [BITS-SHIFT-2:0] nearest;  // free
  wire signed [BITS-1:0] twice = (scaled - (BITS'(nearest) <<< SHIFT)) <<< 1;  // of the rest
  always_comb assume (twice >= -UNIT && twice <= UNIT);
  always_comb if (twice == UNIT || twice == -UNIT) assume (!nearest[0]);

  wire signed [BITS-1:0] sum = BITS'(nearest) + BITS'(ZERO);
  wire [OUT_BITS-1:0] clipped =
    (sum < BITS'(LO)) ? OUT_BITS'(LO) : (sum > BITS'(HI)) ? OUT_BITS'(HI) : OUT_BITS'(sum);

  logic [CLOCKS:0] known_q = '0;  // a beat was accepted
  logic [CLOCKS*OUT_BITS-1:0] expected_q;  // newest in the low bits
  always_ff @(posedge clk) begin
    if (en) begin
      x_q        <= s_tdata;
      known_q    <= (CLOCKS+1)'({known_q, s_tvalid});
      expected_q <= (CLOCKS*OUT_BITS)'({expected_q, clipped});
    end
    if (rst) known_q <= '0;
  end
  always_comb if (known_q[CLOCKS]) begin
    assert (m_tvalid);
    assert (m_tdata == expected_q[(CLOCKS-1)*OUT_BITS +: OUT_BITS]);
  end

endmodule

`default_nettype wire
