// One product of an activation and a QSQ code: a single LUT6 per product bit.
//
//   code   000  001  010  011  100  101  110  111
//   beta    0   +1   +2   +4   -1   -2   -4    0 (never emitted by the compiler)
//
//   product = (code[2] && code != 111 ? ~(|beta| * x) : |beta| * x) mod 2**P,  P = X_BITS + 2
//
// A negative product is only ones-complemented, and every product is a number without sign: for an
// unsigned activation, a negative one is 2**P - 1 too large; for a signed one, every product gets
// the offset 2**(P - 1) (its top bit inverted), and a negative one lacks 1. These are constants of
// a layer, which the compiler folds into the bias. Combinational.
`default_nettype none

module sl_shift_product #(
  parameter int X_BITS = 8,    // width of the activation
  parameter int X_SIGNED = 0,  // 1: the activation is two's complement
  localparam int P = X_BITS + 2
) (
  input  wire  [X_BITS-1:0] x,
  input  wire  [2:0]        code,
  output logic [P-1:0]      product  // unsigned
);

  wire sign = (X_SIGNED != 0) && x[X_BITS-1];
  wire [P+1:0] x_wide = {{2{sign}}, x, 2'b00};  // x[i] is x_wide[i + 2]

  // Each bit is a function of six: code, x[i], x[i-1] and x[i-2].
  logic [P-1:0] value;
  always_comb begin
    case (code)
      3'b001:  value = x_wide[2 +: P];
      3'b010:  value = x_wide[1 +: P];
      3'b011:  value = x_wide[0 +: P];
      3'b100:  value = ~x_wide[2 +: P];
      3'b101:  value = ~x_wide[1 +: P];
      3'b110:  value = ~x_wide[0 +: P];
      default: value = '0;
    endcase
  end
  assign product = value ^ (P'(X_SIGNED != 0) << (P - 1));

endmodule

`default_nettype wire
