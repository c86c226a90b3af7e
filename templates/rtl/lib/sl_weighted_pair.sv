// The sum of two products and an addend, in a row of two DSP blocks.
//
//   p = m_a * a + m_b * b + c, exact in P_BITS; m_a, m_b and c are constants meanwhile
//
// Latency: 4 clocks. Throughput: one sum a clock.
`default_nettype none

module sl_weighted_pair #(
  parameter int X_BITS = 9,   // width of the signed a and b
  parameter int M_BITS = 16,  // width of the signed factors
  parameter int P_BITS = 28   // width of the addend and of the result, which fits
) (
  input  wire                      clk,
  input  wire signed [X_BITS-1:0]  a,
  input  wire signed [X_BITS-1:0]  b,
  input  wire signed [M_BITS-1:0]  m_a,
  input  wire signed [M_BITS-1:0]  m_b,
  input  wire signed [P_BITS-1:0]  c,
  output logic signed [P_BITS-1:0] p
);

  logic signed [X_BITS-1:0] a_q, b_q, b_again_q;
  logic signed [M_BITS-1:0] m_a_q, m_b_q;
  (* use_dsp = "yes" *) logic signed [X_BITS+M_BITS-1:0] product_a_q, product_b_q;
  logic signed [P_BITS-1:0] first_q;

  always_ff @(posedge clk) begin
    m_a_q <= m_a;
    m_b_q <= m_b;
    a_q <= a;
    product_a_q <= a_q * m_a_q;
    first_q <= P_BITS'(product_a_q) + c;
    b_q <= b;
    b_again_q <= b_q;
    product_b_q <= b_again_q * m_b_q;
    p <= first_q + P_BITS'(product_b_q);
  end

endmodule

`default_nettype wire
