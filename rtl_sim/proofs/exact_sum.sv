// The sum of an accumulator of shift codes is the exact dot product in all its bits: no overflow.
//
//   signed(bias + sum of sl_shift_product, modulo 2**ACC_BITS) = plain + sum of w * x
//
// for all x, all codes and all plain biases from -BIAS to BIAS - 1, where bias is plain with the
// corrections that the header of sl_mvu_shift states. That bound is tight: of one bit less, or with
// a BIAS of one more, there is an overflow.
`default_nettype none

module exact_sum #(
  parameter int TERMS = 4,
  parameter int X_BITS = 2,
  parameter int X_SIGNED = 0,
  parameter int ACC_BITS = 8,
  parameter int BIAS = 16,
  localparam int P = X_BITS + 2,
  localparam int BITS = ACC_BITS + 2  // hold every sum exactly
) (
  input wire [TERMS*X_BITS-1:0]    x,
  input wire [TERMS*3-1:0]         codes,
  input wire signed [ACC_BITS-1:0] plain
);

  // An activation times what a code stands for: Table II of the paper, 111 for 0.
  function automatic logic signed [BITS-1:0] times(
    input logic [2:0] code, input logic signed [BITS-1:0] value
  );
    case (code)
      3'b001:  times = value;
      3'b010:  times = value <<< 1;
      3'b011:  times = value <<< 2;
      3'b100:  times = -value;
      3'b101:  times = -(value <<< 1);
      3'b110:  times = -(value <<< 2);
      default: times = '0;
    endcase
  endfunction

  localparam int NEGATIVE = (X_SIGNED != 0) ? 1 : 1 - (1 << P);  // corrections
  localparam int TERM = (X_SIGNED != 0) ? -(1 << (P - 1)) : 0;

  wire [TERMS*P-1:0] products;
  for (genvar i = 0; i < TERMS; i = i + 1) begin : gen_product
    sl_shift_product #(.X_BITS(X_BITS), .X_SIGNED(X_SIGNED)) i_product (
      .x(x[i*X_BITS +: X_BITS]), .code(codes[i*3 +: 3]), .product(products[i*P +: P])
    );
  end

  logic [ACC_BITS-1:0] sum;
  logic signed [BITS-1:0] exact;
  always_comb begin
    sum = plain;
    exact = BITS'(plain);
    for (int i = 0; i < TERMS; i = i + 1) begin
      sum = sum + ACC_BITS'(TERM) + ACC_BITS'(products[i*P +: P]);
      if (codes[i*3+2] && codes[i*3 +: 2] != 2'b11) sum = sum + ACC_BITS'(NEGATIVE);
      exact = exact + times(codes[i*3 +: 3], BITS'($signed(
        {X_SIGNED != 0 && x[i*X_BITS+X_BITS-1], x[i*X_BITS +: X_BITS]})));
    end
  end

  always_comb assume (plain >= -BIAS && plain < BIAS);
  always_comb assert (BITS'($signed(sum)) == exact);

endmodule

`default_nettype wire
