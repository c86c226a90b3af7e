// One product of an activation and a QSQ code: a single LUT6 per product bit.
//
//   code   000  001  010  011  100  101  110  111
//   beta    0   +1   +2   +4   -1   -2   -4    0 (never emitted by the compiler)
//
//   product = (code[2] && code != 111 ? ~(|beta| * x) : |beta| * x) + 2**(P - 1),  P = X_BITS + 3
//
// A negative product is only ones-complemented, and the offset 2**(P - 1) (its top bit inverted)
// makes every product unsigned: the missing +1s and the offsets are constants of a layer, which
// the compiler folds into the bias. Combinational.
`default_nettype none

module sl_shift_product #(
  parameter int X_BITS = 8,    // width of the activation
  parameter int X_SIGNED = 0,  // 1: the activation is two's complement
  localparam int P = X_BITS + 3
) (
  input  wire  [X_BITS-1:0] x,
  input  wire  [2:0]        code,
  output logic [P-1:0]      product  // unsigned
);

  // Truth table of one product bit, indexed by {code, x[i-2], x[i-1], x[i]}; code 111 comes first.
  localparam logic [63:0] BIT_TABLE = {
    8'h00, ~8'hF0, ~8'hCC, ~8'hAA,  // 0, ~x[i-2], ~x[i-1], ~x[i]
    8'hF0,  8'hCC,  8'hAA,  8'h00   // x[i-2], x[i-1], x[i], 0
  };

  wire sign = (X_SIGNED != 0) && x[X_BITS-1];
  wire [P+1:0] x_wide = {{3{sign}}, x, 2'b00};  // x[i] is x_wide[i + 2]

  for (genvar i = 0; i < P; i = i + 1) begin : gen_bit
    wire value = BIT_TABLE[{code, x_wide[i], x_wide[i+1], x_wide[i+2]}];
    assign product[i] = (i == P - 1) ? !value : value;
  end

endmodule

`default_nettype wire
