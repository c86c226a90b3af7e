// One product of an activation and a weight that may change every clock.
//
//   SHIFT_W = 1: product of sl_shift_product, a number without sign whose constants the bias holds
//   SHIFT_W = 0: product = x * w, two's complement
//
// Combinational. `wide` is the product extended to WIDE bits, by its sign where it has one.
`default_nettype none

module sl_weight_product #(
  parameter int X_BITS = 8,    // width of the activation
  parameter int X_SIGNED = 0,  // 1: the activation is two's complement
  parameter int W_BITS = 3,    // width of the weight
  parameter int SHIFT_W = 1,   // 1: the weight is a 3-bit code
  parameter int WIDE = 10      // width of the result, X_BITS + (SHIFT_W ? 2 : W_BITS) or more
) (
  input  wire  [X_BITS-1:0] x,
  input  wire  [W_BITS-1:0] w,
  output logic [WIDE-1:0]   wide
);

  if (SHIFT_W != 0) begin : gen_shift
    wire [X_BITS+1:0] product;
    sl_shift_product #(.X_BITS(X_BITS), .X_SIGNED(X_SIGNED)) i_product (
      .x(x), .code(w), .product(product)
    );
    assign wide = WIDE'(product);
  end else begin : gen_multiply
    wire signed [X_BITS:0] factor = $signed({(X_SIGNED != 0) && x[X_BITS-1], x});
    wire signed [X_BITS+W_BITS:0] product = factor * $signed(w);
    assign wide = WIDE'(product);
  end

endmodule

`default_nettype wire
