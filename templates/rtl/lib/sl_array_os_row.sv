// A row of an output-stationary systolic array: C PEs, each with the sum of a pixel and an output.
//
// x and its tag {valid, first, last} move from PE to PE, a clock each; weights come from above and
// go on below a clock later. A valid product is added, or starts the sum where it is the first.
// Behind the last one the sum takes its place in a chain that moves upwards every clock.
`default_nettype none

module sl_array_os_row #(
  parameter int C = 8,
  parameter int X_BITS = 8,
  parameter int X_SIGNED = 0,
  parameter int W_BITS = 3,
  parameter int SHIFT_W = 1,  // 1: weights are 3-bit codes
  parameter int ACC_BITS = 24
) (
  input  wire                   clk,
  input  wire                   rst,
  input  wire  [X_BITS-1:0]     x,
  input  wire  [2:0]            tag,
  input  wire  [C*W_BITS-1:0]   w,
  output logic [C*W_BITS-1:0]   w_down,
  input  wire  [C*ACC_BITS-1:0] below,
  output logic [C*ACC_BITS-1:0] above
);

  /* verilator no_inline_module */  // rows share their code
  logic [C*X_BITS-1:0] x_q;
  logic [C*3-1:0] tag_q;
  always_ff @(posedge clk) begin
    x_q <= {x_q[0 +: (C-1)*X_BITS], x};
    tag_q <= rst ? '0 : {tag_q[0 +: (C-1)*3], tag};
    w_down <= w;
  end

  for (genvar c = 0; c < C; c = c + 1) begin : gen_pe
    logic [ACC_BITS-1:0] sum_q, out_q;
    logic last_q;
    wire is_valid = tag_q[c*3 + 2];
    wire is_first = tag_q[c*3 + 1];
    wire [ACC_BITS-1:0] product;
    sl_weight_product #(
      .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .W_BITS(W_BITS), .SHIFT_W(SHIFT_W), .WIDE(ACC_BITS)
    ) i_product (
      .x(x_q[c*X_BITS +: X_BITS]), .w(w_down[c*W_BITS +: W_BITS]), .wide(product)
    );
    always_ff @(posedge clk) begin
      if (is_valid) sum_q <= (is_first ? '0 : sum_q) + product;
      last_q <= tag_q[c*3];
      out_q <= last_q ? sum_q : below[c*ACC_BITS +: ACC_BITS];
    end
    assign above[c*ACC_BITS +: ACC_BITS] = out_q;
  end

endmodule

`default_nettype wire
