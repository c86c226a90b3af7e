// A row of a weight-stationary systolic array: C PEs with a weight in use and the next one each.
//
//   below[c] = above[c] + product(x, weight[c]), C fields of which BITS bits count
//
// x, swap and load move from PE to PE, a clock each; swap and load act as they come. Latency: from
// x to the sum of PE c, c + 2 clocks; `above` is read a clock before the sum is there.
`default_nettype none

module sl_array_ws_row #(
  parameter int C = 8,
  parameter int X_BITS = 8,
  parameter int X_SIGNED = 0,
  parameter int W_BITS = 3,
  parameter int SHIFT_W = 1,  // 1: weights are 3-bit codes
  parameter int BITS = 10,    // of the partial sum that leaves
  parameter int FIELD = 16    // width of a field, BITS or more
) (
  input  wire                clk,
  input  wire  [X_BITS-1:0]  x,
  input  wire                swap,
  input  wire                load,
  input  wire  [C*W_BITS-1:0] w,
  input  wire  [C*FIELD-1:0] above,
  output logic [C*FIELD-1:0] below
);

  /* verilator no_inline_module */  // rows share their code
  logic [C*X_BITS-1:0] x_q;
  logic [C-2:0] swap_q, load_q;
  wire [C-1:0] swaps = {swap_q, swap};
  wire [C-1:0] loads = {load_q, load};
  always_ff @(posedge clk) begin
    x_q <= {x_q[0 +: (C-1)*X_BITS], x};
    swap_q <= swaps[C-2:0];
    load_q <= loads[C-2:0];
  end

  for (genvar c = 0; c < C; c = c + 1) begin : gen_pe
    logic [W_BITS-1:0] next_q, weight_q;
    logic [BITS-1:0] sum_q;
    wire [BITS-1:0] product;
    sl_weight_product #(
      .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .W_BITS(W_BITS), .SHIFT_W(SHIFT_W), .WIDE(BITS)
    ) i_product (
      .x(x_q[c*X_BITS +: X_BITS]), .w(weight_q), .wide(product)
    );
    always_ff @(posedge clk) begin
      if (loads[c]) next_q <= w[c*W_BITS +: W_BITS];
      if (swaps[c]) weight_q <= next_q;
      sum_q <= above[c*FIELD +: BITS] + product;
    end
    if (SHIFT_W != 0) begin : gen_unsigned
      assign below[c*FIELD +: FIELD] = FIELD'(sum_q);
    end else begin : gen_signed
      assign below[c*FIELD +: FIELD] = FIELD'($signed(sum_q));
    end
  end

  wire unused_high_bits = &{1'b0, above};

endmodule

`default_nettype wire
