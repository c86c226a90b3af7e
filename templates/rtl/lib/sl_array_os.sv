// Output-stationary systolic array of R x C PEs: a PE for every pixel and output of a tile.
//
//   sums[c] of pixel r = bias[c] + sum over all steps and i of product(x of pixel r [i], w[i][c])
//
// modulo 2**ACC_BITS. A step is R slots: slot r brings the R activations of pixel r, which its row
// takes in one a clock, and the R rows of weights come off the row stream, one a slot. Activations
// move along the rows, weights down the columns; the sums stay. Behind the last step they leave
// upwards, a pixel every second clock.
//
// Rules: R slots a step without a pause, `slot_swap` in the first of them, and only when the row
// stream has got the whole tile. Last steps start 2 * R clocks apart or more. slot_valid in the
// first slots only.
// Timing: the sums of pixel r come LATENCY + r clocks after its slot of the last step, LATENCY =
// R + C + 3. bias_row and sums_row give the parameter row of the sums whose bias must be at hand a
// clock later, and of the sums that leave.
`default_nettype none

module sl_array_os #(
  parameter int R = 8,          // rows: activations a slot, pixels a tile
  parameter int C = 8,          // columns: sums a pixel
  parameter int X_BITS = 8,
  parameter int X_SIGNED = 0,
  parameter int W_BITS = 3,
  parameter int SHIFT_W = 1,    // 1: weights are 3-bit codes
  parameter int ACC_BITS = 24,
  parameter int ROW_BITS = 8    // width of a parameter row's number
) (
  input  wire                   clk,
  input  wire                   rst,

  input  wire  [R*X_BITS-1:0]   x,
  input  wire                   slot_swap,   // the first slot of a step
  input  wire                   slot_valid,  // the slot holds a pixel
  input  wire                   slot_first,  // of the first step of its sums
  input  wire                   slot_last,   // of the last step
  input  wire  [ROW_BITS-1:0]   slot_row,    // parameter row

  input  wire  [C*W_BITS-1:0]   w_tdata,
  input  wire                   w_tvalid,
  output logic                  w_tready,

  output logic [ROW_BITS-1:0]   bias_row,
  input  wire  [C*ACC_BITS-1:0] bias,
  output logic                  sums_valid,
  output logic [ROW_BITS-1:0]   sums_row,
  output logic [C*ACC_BITS-1:0] sums
);

  localparam int SLOT_BITS = $clog2(R);
  localparam int TAG = 3;  // of an activation: valid, first and last of its sum

  // The step under way: slot 0 in the clock of slot_swap.
  logic [SLOT_BITS-1:0] slot_q;
  logic running_q;
  wire [SLOT_BITS-1:0] slot = slot_swap ? '0 : slot_q;
  wire running = slot_swap || running_q;
  wire slot_end = slot == SLOT_BITS'(R - 1);
  always_ff @(posedge clk) begin
    slot_q <= slot + SLOT_BITS'(1);
    running_q <= running && !slot_end && !rst;
  end

  assign w_tready = running;
  wire unused_valid = &{1'b0, w_tvalid};  // the rule above: there are R rows

  // Row r: the word of its pixel, taken in slot r, then an activation a clock.
  wire [R*X_BITS-1:0] x_serial;
  wire [R*TAG-1:0] tag_serial;
  for (genvar r = 0; r < R; r = r + 1) begin : gen_serial
    logic [R*X_BITS-1:0] word_q;
    logic [SLOT_BITS-1:0] at_q;
    logic busy_q, first_q, last_q;
    wire load = running && slot == SLOT_BITS'(r);
    always_ff @(posedge clk) begin
      word_q <= load ? x : word_q >> X_BITS;
      at_q <= load ? '0 : at_q + SLOT_BITS'(1);
      if (load) begin
        busy_q <= 1'b1;
        first_q <= slot_first;
        last_q <= slot_last;
      end else if (at_q == SLOT_BITS'(R - 1)) begin
        busy_q <= 1'b0;
      end
      if (rst) busy_q <= 1'b0;
    end
    assign x_serial[r*X_BITS +: X_BITS] = word_q[X_BITS-1:0];
    assign tag_serial[r*TAG +: TAG] = {
      busy_q, first_q && at_q == '0, busy_q && last_q && at_q == SLOT_BITS'(R - 1)
    };
  end

  // A row of weights meets slot 0's activations of the same index one clock after it is taken.
  logic [C*W_BITS-1:0] w_q;
  always_ff @(posedge clk) w_q <= w_tdata;
  wire [C*W_BITS-1:0] w_skewed;
  sl_triangle #(.N(C), .BITS(W_BITS)) i_w_skew (.clk(clk), .d(w_q), .q(w_skewed));

  wire [(R+1)*C*W_BITS-1:0] w_down;
  wire [(R+1)*C*ACC_BITS-1:0] up;
  assign w_down[0 +: C*W_BITS] = w_skewed;
  assign up[R*C*ACC_BITS +: C*ACC_BITS] = '0;

  for (genvar r = 0; r < R; r = r + 1) begin : gen_row
    sl_array_os_row #(
      .C(C), .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .W_BITS(W_BITS), .SHIFT_W(SHIFT_W),
      .ACC_BITS(ACC_BITS)
    ) i_row (
      .clk(clk), .rst(rst), .x(x_serial[r*X_BITS +: X_BITS]), .tag(tag_serial[r*TAG +: TAG]),
      .w(w_down[r*C*W_BITS +: C*W_BITS]), .w_down(w_down[(r+1)*C*W_BITS +: C*W_BITS]),
      .below(up[(r+1)*C*ACC_BITS +: C*ACC_BITS]), .above(up[r*C*ACC_BITS +: C*ACC_BITS])
    );
  end
  wire unused_below = &{1'b0, w_down[R*C*W_BITS +: C*W_BITS]};

  wire [C*ACC_BITS-1:0] aligned;
  sl_triangle #(.N(C), .BITS(ACC_BITS), .DOWN(1)) i_deskew (
    .clk(clk), .d(up[0 +: C*ACC_BITS]), .q(aligned)
  );

  // Pixel r leaves 2 * r clocks after pixel 0: how many there are, and for which row, goes along.
  logic [SLOT_BITS:0] pixels_q;
  logic [ROW_BITS-1:0] row_q;
  logic ending_q;
  always_ff @(posedge clk) begin
    if (slot_swap) pixels_q <= (SLOT_BITS+1)'(slot_valid);
    else if (running && slot_valid) pixels_q <= pixels_q + (SLOT_BITS+1)'(1);
    if (slot_swap) row_q <= slot_row;
    ending_q <= running && slot_end && slot_last && !rst;
  end
  wire [SLOT_BITS+ROW_BITS:0] ended;
  sl_delay #(.BITS(SLOT_BITS + 1 + ROW_BITS), .CLOCKS(C)) i_ended (
    .clk(clk), .en(1'b1), .d({pixels_q, row_q}), .q(ended)
  );
  logic [C-1:0] ended_q;
  always_ff @(posedge clk) ended_q <= rst ? '0 : {ended_q[C-2:0], ending_q};

  logic [SLOT_BITS:0] left_q;
  logic [ROW_BITS-1:0] leaving_row_q;
  logic odd_q, leave_q;
  always_ff @(posedge clk) begin
    odd_q <= !odd_q;
    if (ended_q[C-1]) begin
      left_q <= ended[ROW_BITS +: SLOT_BITS+1];
      leaving_row_q <= ended[ROW_BITS-1:0];
      odd_q <= 1'b0;
    end else if (!odd_q && left_q != '0) begin
      left_q <= left_q - (SLOT_BITS+1)'(1);
    end
    if (rst) left_q <= '0;
    leave_q <= !odd_q && left_q != '0 && !rst;
  end
  assign bias_row = leaving_row_q;

  always_ff @(posedge clk) begin
    sums_valid <= leave_q && !rst;
    sums_row <= leaving_row_q;
  end
  for (genvar c = 0; c < C; c = c + 1) begin : gen_sum
    always_ff @(posedge clk) begin
      sums[c*ACC_BITS +: ACC_BITS] <=
        aligned[c*ACC_BITS +: ACC_BITS] + bias[c*ACC_BITS +: ACC_BITS];
    end
  end

endmodule

`default_nettype wire
