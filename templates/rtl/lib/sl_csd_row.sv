// One row of a signed-digit product: an operand times a pair of digits, but for 1 if negative.
//
//   row = m where positive, ~m = -m - 1 where negative;  m = 0, x1 or 2*x2 by code[1:0]
//
// Each bit is a function of five: code, x1[i] and x2[i-1]. Codes 011, 100 and 111 do not occur.
// Combinational.
`default_nettype none

module sl_csd_row #(
  parameter int X_BITS = 9  // width of the signed operands
) (
  input  wire signed [X_BITS-1:0] x1,    // operand of digit 1
  input  wire signed [X_BITS-1:0] x2,    // operand of digit 2
  input  wire        [2:0]        code,  // bit 0 for 1, bit 1 for 2, bit 2 negative
  output logic signed [X_BITS:0]  row
);

  wire signed [X_BITS:0] wide = (X_BITS+1)'(x1);
  always_comb begin
    case (code)
      3'b001:  row = wide;
      3'b010:  row = {x2, 1'b0};
      3'b101:  row = ~wide;
      3'b110:  row = ~{x2, 1'b0};
      default: row = '0;
    endcase
  end

endmodule

`default_nettype wire
