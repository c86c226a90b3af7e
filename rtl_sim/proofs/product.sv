// sl_multiply gives the product of its factors plus its addend, CLOCKS enabled clocks behind b.
`default_nettype none

module product #(
  parameter int A_BITS = 8,
  parameter int B_BITS = 8,
  parameter int C_BITS = 0,
  parameter int C_PORT = 1,
  parameter int P_BITS = 16,
  parameter int CLOCKS = 2
) (
  input wire                     clk,
  input wire                     en,
  input wire signed [A_BITS-1:0] a,
  input wire [B_BITS-1:0]        b,
  input wire signed [C_PORT-1:0] c,
  input wire signed [P_BITS-1:0] p
);

  logic [CLOCKS:0] known_q = '0;
  logic signed [A_BITS-1:0] a_q;
  logic [CLOCKS*P_BITS-1:0] expected_q;  // newest in the low bits
  wire signed [P_BITS-1:0] expected =
    P_BITS'(a_q) * $signed(P_BITS'({1'b0, b})) + ((C_BITS > 0) ? P_BITS'(c) : '0);
  always_ff @(posedge clk) if (en) begin
    known_q    <= (CLOCKS+1)'({known_q, 1'b1});
    a_q        <= a;
    expected_q <= (CLOCKS*P_BITS)'({expected_q, expected});
  end
  always_comb if (known_q[CLOCKS]) assert (p == expected_q[(CLOCKS-1)*P_BITS +: P_BITS]);

endmodule

`default_nettype wire
