// C neurons that share a word of R activations a clock, each with its weights and its sum.
//
//   sums[n] = bias[n] + sum over the steps of a list of dot(x, w[n])  modulo 2**ACC_BITS
//
// A step is a clock with in_valid; in_last marks the last one of a list, in_restart that of a pixel
// as well. Field n*R + lane of `w` belongs to neuron n. dot() is that of sl_dot.
// Memories: synchronous; the bias of a list is read at row_base + its number in the pixel; the
// scale word of the same row is there when its sums are. row_base holds still from `start`, a clock
// before the first step at the latest, until the sums have left.
//
// Latency: the sums of a list are valid LATENCY = clog2(R) + 1 clocks after its last step, one more
// with integer weights (SHIFT_W = 0), for one clock. Throughput: a step a clock.
`default_nettype none

module sl_neurons #(
  parameter int R = 16,         // activations a word, a power of two
  parameter int C = 16,         // neurons
  parameter int X_BITS = 8,     // width of an activation
  parameter int X_SIGNED = 0,   // 1: activations are two's complement
  parameter int W_BITS = 3,     // width of a weight
  parameter int SHIFT_W = 1,    // 1: weights are codes
  parameter int ACC_BITS = 24,  // width of a sum
  parameter int PARAMS = 16,    // rows of the memories
  localparam int RW = (PARAMS > 1) ? $clog2(PARAMS) : 1
) (
  input  wire                    clk,
  input  wire                    rst,

  input  wire                    start,
  input  wire  [RW-1:0]          row_base,
  input  wire                    in_valid,
  input  wire                    in_last,
  input  wire                    in_restart,
  input  wire  [R*X_BITS-1:0]    x,
  input  wire  [C*R*W_BITS-1:0]  w,

  output logic                   bias_en,
  output logic [RW-1:0]          bias_addr,
  input  wire  [C*ACC_BITS-1:0]  bias_data,
  output logic                   scale_en,
  output logic [RW-1:0]          scale_addr,

  output logic                   sums_valid,
  output logic [C*ACC_BITS-1:0]  sums
);

  localparam int DELAY = $clog2(R) + ((SHIFT_W != 0) ? 0 : 1);  // from a step to its dot product

  // Marks travel beside the data; bit i is i clocks late.
  logic [DELAY-1:0] valid_q, last_q, restart_q;
  wire [DELAY:0] valid = {valid_q, in_valid};
  wire [DELAY:0] last = {last_q, in_last};
  wire [DELAY:0] restart = {restart_q, in_restart};
  logic first_q;
  logic [RW-1:0] row_q;  // of the list whose dot product comes next

  assign bias_en = valid[DELAY-1];
  assign bias_addr = row_q;
  assign scale_en = valid[DELAY] && last[DELAY];

  always_ff @(posedge clk) begin
    valid_q <= valid[DELAY-1:0];
    last_q <= last[DELAY-1:0];
    restart_q <= restart[DELAY-1:0];
    if (start) row_q <= row_base;
    else if (valid[DELAY-1] && restart[DELAY-1]) row_q <= row_base;
    else if (valid[DELAY-1] && last[DELAY-1]) row_q <= row_q + RW'(1);
    scale_addr <= row_q;
    if (valid[DELAY]) first_q <= last[DELAY];
    sums_valid <= valid[DELAY] && last[DELAY];
    if (rst) begin
      valid_q <= '0;
      first_q <= 1'b1;
      sums_valid <= 1'b0;
    end
  end
  wire unused_late_marks = &{1'b0, restart[DELAY]};

  for (genvar n = 0; n < C; n = n + 1) begin : gen_neuron
    wire [ACC_BITS-1:0] dot;
    logic [ACC_BITS-1:0] acc_q;
    sl_dot #(
      .N(R), .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .W_BITS(W_BITS), .SHIFT_W(SHIFT_W),
      .ACC_BITS(ACC_BITS)
    ) i_dot (
      .clk(clk), .x(x), .w(w[n*R*W_BITS +: R*W_BITS]), .sum(dot)
    );
    wire [ACC_BITS-1:0] base = first_q ? bias_data[n*ACC_BITS +: ACC_BITS] : acc_q;
    always_ff @(posedge clk) begin
      if (valid[DELAY]) acc_q <= dot + base;
    end
    assign sums[n*ACC_BITS +: ACC_BITS] = acc_q;
  end

endmodule

`default_nettype wire
