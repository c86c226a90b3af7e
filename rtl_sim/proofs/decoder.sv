// sl_qsq_decode gives the weight of every code and alpha, and remembers a code 111 until a reset.
`default_nettype none

module decoder #(
  parameter int A_BITS = 8,
  parameter int REGISTERED = 0,
  localparam int W_BITS = A_BITS + 3
) (
  input wire                     clk,
  input wire                     rst,
  input wire                     en,
  input wire [2:0]               code,
  input wire [A_BITS-1:0]        alpha,
  input wire signed [W_BITS-1:0] weight,
  input wire                     bad_code
);

  wire signed [W_BITS-1:0] a = W_BITS'(alpha);
  logic signed [W_BITS-1:0] expected;
  always_comb begin
    case (code)
      3'b001:  expected = a;
      3'b010:  expected = 2 * a;
      3'b011:  expected = 4 * a;
      3'b100:  expected = -a;
      3'b101:  expected = -2 * a;
      3'b110:  expected = -4 * a;
      default: expected = '0;
    endcase
  end

  logic known_q = 1'b0, checked_q = 1'b0, bad_q;
  logic signed [W_BITS-1:0] weight_q;
  always_ff @(posedge clk) begin
    if (en) weight_q <= expected;
    if (en) known_q <= 1'b1;
    checked_q <= 1'b1;
    bad_q <= !rst && (bad_code || (en && code == 3'b111));
  end

  if (REGISTERED != 0) begin : gen_register
    always_comb if (known_q) assert (weight == weight_q);
  end else begin : gen_wires
    always_comb assert (weight == expected);
  end
  always_comb if (checked_q) assert (bad_code == bad_q);

endmodule

`default_nettype wire
