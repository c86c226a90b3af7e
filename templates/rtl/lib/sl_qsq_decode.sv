// Shift-and-scale decoder of QSQ weights: a 3-bit code and the alpha of its vector.
//
//   code    000  001  010  011  100  101  110  111
//   weight    0   +a  +2a  +4a   -a  -2a  -4a    0 (never emitted by the compiler)
//
// A bit is one LUT6 of code, alpha[i], alpha[i-1] and alpha[i-2]; a carry chain adds the 1 of a
// negation, which code 111 has as well: 0 = ~0 + 1.
// REGISTERED = 0: combinational. REGISTERED = 1: latency 1 enabled clock.
// bad_code is sticky: from the clock after an enabled one with code 111 until `rst`.
`default_nettype none

module sl_qsq_decode #(
  parameter int A_BITS = 8,      // width of alpha, which has no sign
  parameter int REGISTERED = 0,
  localparam int W_BITS = A_BITS + 3
) (
  input  wire                      clk,
  input  wire                      rst,
  input  wire                      en,
  input  wire  [2:0]               code,
  input  wire  [A_BITS-1:0]        alpha,
  output logic signed [W_BITS-1:0] weight,
  output logic                     bad_code
);

  wire [W_BITS+1:0] wide = {3'b000, alpha, 2'b00};  // alpha[i] is wide[i + 2]
  logic [W_BITS-1:0] ones;                          // ones' complement where negative
  always_comb begin
    case (code)
      3'b001:  ones = wide[2 +: W_BITS];
      3'b010:  ones = wide[1 +: W_BITS];
      3'b011:  ones = wide[0 +: W_BITS];
      3'b100:  ones = ~wide[2 +: W_BITS];
      3'b101:  ones = ~wide[1 +: W_BITS];
      3'b110:  ones = ~wide[0 +: W_BITS];
      3'b111:  ones = '1;
      default: ones = '0;
    endcase
  end

  wire [W_BITS:0] sum = {ones, 1'b1} + (W_BITS+1)'(code[2]);
  wire unused_carry = &{1'b0, sum[0]};

  if (REGISTERED != 0) begin : gen_register
    always_ff @(posedge clk) begin
      if (en) weight <= sum[W_BITS:1];
    end
  end else begin : gen_wires
    assign weight = sum[W_BITS:1];
  end

  always_ff @(posedge clk) begin
    if (rst) bad_code <= 1'b0;
    else if (en && &code) bad_code <= 1'b1;
  end

endmodule

`default_nettype wire
