// Control of sl_taps: the pixel of every step, the taps inside the frame, the outputs that end.
//
// The walk goes through ROWS x COLUMNS pixels a frame, FOLDS steps each. It is as large as the
// input, the outputs of stride 1 that are needed, and the kernel, whichever is most; pixels that
// the input lacks take steps without a beat. Tap (i, j) at pixel (y, x) belongs to the output of
// stride 1 at (y - i*DH + PT, x - j*DW + PL), if there is one in this row and in this frame; all
// other taps are masked. The last tap of output (0, 0) is at pixel (LAST_Y, LAST_X).
//
// Idle pixels: at the end of a frame with outputs to come, without a beat to go on, the walk stays
// and a pixel's steps pass in which all taps are masked.
//
// s_tready = ready, unless the step takes no beat; it does not depend on s_tvalid. For a
// synchronous memory read under b_en: b_addr is the fold of the next step.
`default_nettype none

module sl_taps_walk #(
  parameter int H     = 8,  // input rows
  parameter int W     = 8,  // pixels a row
  parameter int KH    = 3,  // kernel rows
  parameter int KW    = 3,  // kernel pixels a row
  parameter int SH    = 1,  // row stride
  parameter int SW    = 1,  // pixel stride
  parameter int DH    = 1,  // row dilation
  parameter int DW    = 1,  // pixel dilation
  parameter int PT    = 1,  // padding rows on top
  parameter int PL    = 1,  // padding pixels on the left
  parameter int OH    = 8,  // output rows
  parameter int OW    = 8,  // outputs a row
  parameter int FOLDS = 2,  // steps a pixel
  localparam int FW = (FOLDS > 1) ? $clog2(FOLDS) : 1
) (
  input  wire           clk,
  input  wire           rst,
  input  wire           s_tvalid,
  output logic          s_tready,
  input  wire           ready,      // a step may be made
  output logic          step,
  output logic [KH-1:0] row_ok,     // tap rows inside the frame and the output
  output logic [KW-1:0] column_ok,  // tap columns, where the step takes a beat
  output logic          emit,       // the last tap's sum in this step is an output
  output logic          b_en,
  output logic [FW-1:0] b_addr
);

  localparam int END_Y   = (OH - 1) * SH;  // the last output that is needed
  localparam int END_X   = (OW - 1) * SW;
  localparam int SPAN_Y  = (KH - 1) * DH;
  localparam int SPAN_X  = (KW - 1) * DW;
  localparam int MOST_Y  = (END_Y > SPAN_Y) ? END_Y + 1 : SPAN_Y + 1;
  localparam int MOST_X  = (END_X > SPAN_X) ? END_X + 1 : SPAN_X + 1;
  localparam int ROWS    = (H > MOST_Y) ? H : MOST_Y;
  localparam int COLUMNS = (W > MOST_X) ? W : MOST_X;
  localparam int LAST_Y  = SPAN_Y - PT;
  localparam int LAST_X  = SPAN_X - PL;
  localparam int YW      = (ROWS > 1) ? $clog2(ROWS) : 1;
  localparam int XW      = (COLUMNS > 1) ? $clog2(COLUMNS) : 1;
  localparam int SYW     = (SH > 1) ? $clog2(SH) : 1;
  localparam int SXW     = (SW > 1) ? $clog2(SW) : 1;

  logic          started_q;  // the first fold's bias was read
  logic          idle_q;     // in an idle pixel
  logic [FW-1:0] fold;
  logic [YW-1:0] y_q;        // the pixel
  logic [XW-1:0] x_q;

  wire walks     = (int'(y_q) >= H) || (int'(x_q) >= W);  // a pixel that the input lacks
  wire fold_last = fold == FW'(FOLDS - 1);
  wire x_last    = x_q == XW'(COLUMNS - 1);
  wire y_last    = y_q == YW'(ROWS - 1);
  wire [XW-1:0] x_next = x_last ? '0 : x_q + XW'(1);
  wire [YW-1:0] y_next = y_last ? '0 : y_q + YW'(1);
  wire frame_end = (y_q == '0) && (x_q == '0) && (fold == '0);
  logic awaits_q;                      // outputs are to come of the frame that ends
  wire idle      = idle_q || (frame_end && awaits_q && !s_tvalid);
  wire next      = step && fold_last;  // the pixel's last step
  wire moves     = next && !idle;
  wire row_end   = moves && x_last;

  assign s_tready = started_q && ready && !walks && !idle_q;
  assign step     = started_q && ready && (walks || idle || s_tvalid);
  assign b_en     = step || !started_q;
  assign b_addr   = (started_q && !fold_last) ? fold + FW'(1) : '0;

  sl_wrap_counter #(.COUNT(FOLDS)) i_fold (.clk(clk), .rst(rst), .step(step), .count(fold));

  always_ff @(posedge clk) begin
    started_q <= 1'b1;
    if (step) idle_q <= idle && !fold_last;
    if (moves) x_q <= x_next;
    if (row_end) y_q <= y_next;
    if (rst) begin
      started_q <= 1'b0;
      idle_q    <= 1'b0;
      x_q       <= '0;
      y_q       <= '0;
    end
  end

  // The masks of the next pixel are made in this one, so that they come out of registers.
  for (genvar i = 0; i < KH; i = i + 1) begin : gen_row
    localparam int FROM = i * DH - PT;
    localparam int TO   = (ROWS + FROM < H) ? ROWS + FROM : H;
    always_ff @(posedge clk) begin
      if (rst) row_ok[i] <= (FROM <= 0) && (TO > 0);
      else if (row_end) row_ok[i] <= (int'(y_next) >= FROM) && (int'(y_next) < TO);
    end
  end
  for (genvar j = 0; j < KW; j = j + 1) begin : gen_column
    localparam int FROM = j * DW - PL;
    localparam int TO   = (COLUMNS + FROM < W) ? COLUMNS + FROM : W;
    logic column_q;
    always_ff @(posedge clk) begin
      if (rst) column_q <= (FROM <= 0) && (TO > 0);
      else if (moves) column_q <= (int'(x_next) >= FROM) && (int'(x_next) < TO);
    end
    assign column_ok[j] = column_q && s_tvalid && !idle_q;
  end

  // The output of stride 1 whose last tap is in this step, and its place between the strides.
  logic [YW-1:0]  out_y_q;
  logic [XW-1:0]  out_x_q;
  logic [SYW-1:0] part_y_q;
  logic [SXW-1:0] part_x_q;

  wire starts    = !idle && (y_q == YW'(LAST_Y)) && (x_q == XW'(LAST_X));
  wire live      = awaits_q || starts;
  wire out_last  = (out_y_q == YW'(END_Y)) && (out_x_q == XW'(END_X));
  wire row_last  = out_x_q == XW'(COLUMNS - 1);
  wire part_last = part_x_q == SXW'(SW - 1);

  assign emit = live && (part_y_q == '0) && (part_x_q == '0) && (int'(out_x_q) <= END_X);

  always_ff @(posedge clk) begin
    if (next && live) begin
      awaits_q <= !out_last;
      out_x_q  <= (row_last || out_last) ? '0 : out_x_q + XW'(1);
      part_x_q <= (row_last || out_last || part_last) ? '0 : part_x_q + SXW'(1);
      if (out_last) begin
        out_y_q  <= '0;
        part_y_q <= '0;
      end else if (row_last) begin
        out_y_q  <= out_y_q + YW'(1);
        part_y_q <= (part_y_q == SYW'(SH - 1)) ? '0 : part_y_q + SYW'(1);
      end
    end
    if (rst) begin
      awaits_q <= 1'b0;
      out_x_q  <= '0;
      out_y_q  <= '0;
      part_x_q <= '0;
      part_y_q <= '0;
    end
  end

endmodule

`default_nettype wire
