// Weight-stationary systolic array of R x C PEs with accumulators for PIXELS pixels.
//
//   sums[c] = (is_first ? bias[c] : accumulator[pixel][c]) + sum over r of product(x[r], w[r][c])
//
// modulo 2**ACC_BITS; where is_last, the sums leave, else they go back to the accumulators.
//
// Activations move from PE to PE along the rows, partial sums down the columns. Each PE holds the
// weight in use and the next one. A slot is a clock; one with `slot_swap` makes the next weights
// those in use, from its own activations on. Row r of the next tile is taken off the row stream as
// soon as the swap of the former one is under way: a row a clock, R clocks a tile.
//
// Rules: slot_swap at most once in R clocks, and only when the row stream has got the whole next
// tile. A pixel comes back after 3 clocks or more.
// Timing: a slot's sums come LATENCY clocks after it. bias_row and sums_row give the parameter row
// of the slot whose bias must be at hand a clock later, and of the sums that leave.
`default_nettype none

module sl_array_ws #(
  parameter int R = 8,          // rows: activations a slot
  parameter int C = 8,          // columns: sums a slot
  parameter int X_BITS = 8,
  parameter int X_SIGNED = 0,
  parameter int W_BITS = 3,
  parameter int SHIFT_W = 1,    // 1: weights are 3-bit codes
  parameter int ACC_BITS = 24,
  parameter int PIXELS = 64,    // accumulators of a column
  parameter int ROW_BITS = 8,   // width of a parameter row's number
  localparam int PIXEL_BITS = (PIXELS > 1) ? $clog2(PIXELS) : 1
) (
  input  wire                   clk,
  input  wire                   rst,

  input  wire  [R*X_BITS-1:0]   x,
  input  wire                   slot_swap,
  input  wire                   slot_valid,  // the slot holds a pixel
  input  wire                   slot_first,  // of the first step of its sums
  input  wire                   slot_last,   // of the last step
  input  wire  [PIXEL_BITS-1:0] slot_pixel,
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

  localparam int P = X_BITS + ((SHIFT_W != 0) ? 2 : W_BITS);
  localparam int LEVELS = $clog2(R);
  localparam int SUM = P + LEVELS;         // of a column
  localparam int LATENCY = R + C + 1;      // from a slot to its sums
  localparam int COUNT_BITS = $clog2(R + 1);
  localparam int CONTROL = 2 + PIXEL_BITS + ROW_BITS;

  // The next tile: how many of its rows are in place.
  logic [COUNT_BITS-1:0] loaded_q;
  wire take = w_tvalid && w_tready;
  assign w_tready = loaded_q != COUNT_BITS'(R);

  // A swap may come while the last rows are still on their way; they go to the tile of the swap.
  logic swapped_q;
  wire complete = loaded_q == COUNT_BITS'(R)
               || (take && loaded_q == COUNT_BITS'(R - 1));
  always_ff @(posedge clk) begin
    if (take) loaded_q <= loaded_q + COUNT_BITS'(1);
    if (slot_swap) swapped_q <= 1'b1;
    if (complete && (slot_swap || swapped_q)) begin
      loaded_q <= '0;
      swapped_q <= 1'b0;
    end
    if (rst) begin
      loaded_q <= '0;
      swapped_q <= 1'b0;
    end
  end

  // Weights reach column c after c clocks, activations row r after r.
  wire [C*W_BITS-1:0] w_skewed;
  wire [R*X_BITS-1:0] x_skewed;
  sl_triangle #(.N(C), .BITS(W_BITS)) i_w_skew (.clk(clk), .d(w_tdata), .q(w_skewed));
  sl_triangle #(.N(R), .BITS(X_BITS)) i_x_skew (.clk(clk), .d(x), .q(x_skewed));

  logic [R-2:0] swap_q;
  wire [R-1:0] swap = {swap_q, slot_swap};  // bit r: the swap reaches row r
  always_ff @(posedge clk) swap_q <= rst ? '0 : swap[R-2:0];

  wire [(R+1)*C*SUM-1:0] partial;
  assign partial[C*SUM-1:0] = '0;

  for (genvar r = 0; r < R; r = r + 1) begin : gen_row
    // The first PE of the row gets what the later ones get from their neighbours.
    logic [C*X_BITS-1:0] x_q;
    logic [C-2:0] swap_row_q, load_q;
    wire [C*X_BITS-1:0] x_row = {x_q[0 +: (C-1)*X_BITS], x_skewed[r*X_BITS +: X_BITS]};
    wire [C-1:0] swap_row = {swap_row_q, swap[r]};
    wire [C-1:0] load_row = {load_q, take && loaded_q == COUNT_BITS'(r)};
    always_ff @(posedge clk) begin
      x_q <= x_row;
      swap_row_q <= swap_row[C-2:0];
      load_q <= load_row[C-2:0];
    end

    localparam int BITS = P + $clog2(r + 1);  // of the partial sum of rows 0 to r
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
        if (load_row[c]) next_q <= w_skewed[c*W_BITS +: W_BITS];
        if (swap_row[c]) weight_q <= next_q;
        sum_q <= partial[(r*C+c)*SUM +: BITS] + product;
      end
      if (SHIFT_W != 0) begin : gen_unsigned
        assign partial[((r+1)*C+c)*SUM +: SUM] = SUM'(sum_q);
      end else begin : gen_signed
        assign partial[((r+1)*C+c)*SUM +: SUM] = SUM'($signed(sum_q));
      end
    end
  end

  wire unused_partial_bits = &{1'b0, partial};  // of sums of few rows

  // The columns end one clock after the other: wait for the last.
  wire [C*SUM-1:0] column;
  sl_triangle #(.N(C), .BITS(SUM), .DOWN(1)) i_deskew (
    .clk(clk), .d(partial[R*C*SUM +: C*SUM]), .q(column)
  );

  // The slot's own marks, up to the clock before its column sums.
  wire [CONTROL-1:0] early;
  sl_delay #(.BITS(CONTROL), .CLOCKS(LATENCY - 2)) i_control (
    .clk(clk), .en(1'b1),
    .d({slot_first, slot_last, slot_pixel, slot_row}), .q(early)
  );
  logic [LATENCY-3:0] valid_q;  // slots since the reset
  wire [LATENCY-2:0] valid = {valid_q, slot_valid};
  always_ff @(posedge clk) valid_q <= rst ? '0 : valid[LATENCY-3:0];
  wire [PIXEL_BITS-1:0] early_pixel = early[ROW_BITS +: PIXEL_BITS];
  assign bias_row = early[ROW_BITS-1:0];

  logic now_valid_q, now_first_q, now_last_q;
  logic [PIXEL_BITS-1:0] now_pixel_q;
  logic [ROW_BITS-1:0] now_row_q;
  always_ff @(posedge clk) begin
    now_valid_q <= valid[LATENCY-2] && !rst;
    now_first_q <= early[CONTROL-1];
    now_last_q <= early[CONTROL-2];
    now_pixel_q <= early_pixel;
    now_row_q <= early[ROW_BITS-1:0];
  end

  wire [C*ACC_BITS-1:0] stored;
  logic store_q;
  logic [PIXEL_BITS-1:0] store_pixel_q;
  sl_ram #(.WIDTH(C * ACC_BITS), .DEPTH(PIXELS)) i_accumulators (
    .clk(clk), .w_en(store_q), .w_addr(store_pixel_q), .w_data(sums),
    .r_en(1'b1), .r_addr(early_pixel), .r_data(stored)
  );

  for (genvar c = 0; c < C; c = c + 1) begin : gen_sum
    wire [SUM-1:0] term = column[c*SUM +: SUM];
    wire [ACC_BITS-1:0] base =
      now_first_q ? bias[c*ACC_BITS +: ACC_BITS] : stored[c*ACC_BITS +: ACC_BITS];
    if (SHIFT_W != 0) begin : gen_unsigned
      always_ff @(posedge clk) sums[c*ACC_BITS +: ACC_BITS] <= base + ACC_BITS'(term);
    end else begin : gen_signed
      always_ff @(posedge clk) sums[c*ACC_BITS +: ACC_BITS] <= base + ACC_BITS'($signed(term));
    end
    wire unused_high_bits = &{1'b0, term};  // where ACC_BITS < SUM
  end

  always_ff @(posedge clk) begin
    sums_valid <= now_valid_q && now_last_q && !rst;
    sums_row <= now_row_q;
    store_q <= now_valid_q && !now_last_q;
    store_pixel_q <= now_pixel_q;
  end

endmodule

`default_nettype wire
