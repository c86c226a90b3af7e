// Dot product of N activations and N weights, one a clock, of shift codes or of integers.
//
//   sum = x[0] * w[0] + ... + x[N-1] * w[N-1]  modulo 2**ACC_BITS
//
// SHIFT_W = 1: weights are 3-bit codes, products those of sl_shift_product, with what that leaves
// to the bias. SHIFT_W = 0: weights are two's complement and the sum is the true one. The tree adds
// numbers without sign: the top bit of every product is inverted, and with N a power of two that
// is put right by inverting the top bit of the sum.
//
// Latency: clog2(N) clocks, one more with integers. Throughput: one sum a clock.
`default_nettype none

module sl_dot #(
  parameter int N = 16,        // terms, a power of two
  parameter int X_BITS = 8,    // width of an activation
  parameter int X_SIGNED = 0,  // 1: activations are two's complement
  parameter int W_BITS = 3,    // width of a weight
  parameter int SHIFT_W = 1,   // 1: weights are codes
  parameter int ACC_BITS = 24  // width of the sum
) (
  input  wire                 clk,
  input  wire  [N*X_BITS-1:0] x,
  input  wire  [N*W_BITS-1:0] w,
  output logic [ACC_BITS-1:0] sum
);

  localparam int P = (SHIFT_W != 0) ? X_BITS + 2 : X_BITS + W_BITS;  // width of a product
  localparam int SUM_BITS = P + $clog2(N);

  wire [N*P-1:0] products;
  wire [SUM_BITS-1:0] total;

  for (genvar i = 0; i < N; i = i + 1) begin : gen_product
    if (SHIFT_W != 0) begin : gen_shift
      sl_shift_product #(.X_BITS(X_BITS), .X_SIGNED(X_SIGNED)) i_product (
        .x(x[i*X_BITS +: X_BITS]), .code(w[i*W_BITS +: W_BITS]), .product(products[i*P +: P])
      );
    end else begin : gen_multiply
      wire [X_BITS-1:0] factor = x[i*X_BITS +: X_BITS];
      wire signed [X_BITS:0] x_wide = $signed({X_SIGNED != 0 && factor[X_BITS-1], factor});
      wire signed [W_BITS-1:0] weight = $signed(w[i*W_BITS +: W_BITS]);
      logic signed [P-1:0] product_q;
      always_ff @(posedge clk) product_q <= P'(x_wide * weight);
      assign products[i*P +: P] = {!product_q[P-1], product_q[P-2:0]};
    end
  end

  sl_adder_tree #(.N(N), .BITS(P)) i_tree (
    .clk(clk), .en(1'b1), .terms(products), .sum(total)
  );

  if (SHIFT_W != 0) begin : gen_unsigned
    assign sum = ACC_BITS'(total);
  end else begin : gen_signed
    assign sum = ACC_BITS'($signed({!total[SUM_BITS-1], total[SUM_BITS-2:0]}));
  end
  wire unused_high_bits = &{1'b0, total};  // where ACC_BITS < SUM_BITS

endmodule

`default_nettype wire
