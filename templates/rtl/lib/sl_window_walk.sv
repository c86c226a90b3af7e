// The walk of sl_window_serial over the taps of all outputs: the way from each tap to the next.
//
// Taps are words at linear addresses: PIXEL words a pixel, W pixels a row, H rows a frame, frame
// after frame. The order is (oh, ow, group, pass, kh, kw, word of the group's pixel).
//
// The position runs one tap before the outputs, which are registers: they describe the tap that
// the next `step` takes, from the first step after reset on (`walking`), and
//   in_frame    whether the tap is inside the frame;
//   opening     whether its output is the frame's first;
//   tap_move    minus the words from the tap to the one after it;
//   window_move the same from tap (0, 0) of its output to that of the next output where the tap is
//               its output's last, else 0.
`default_nettype none

module sl_window_walk #(
  parameter int H      = 8,  // input rows
  parameter int W      = 8,  // input columns
  parameter int KH     = 3,  // kernel rows
  parameter int KW     = 3,  // kernel columns
  parameter int SH     = 1,  // row stride
  parameter int SW     = 1,  // column stride
  parameter int DH     = 1,  // rows from a kernel row to the next
  parameter int DW     = 1,  // columns from a kernel column to the next
  parameter int PT     = 1,  // padding rows on top
  parameter int PL     = 1,  // padding columns on the left
  parameter int OH     = 8,  // output rows
  parameter int OW     = 8,  // output columns
  parameter int PIXEL  = 2,  // words a pixel
  parameter int GROUPS = 1,  // groups of words
  parameter int NF     = 1,  // passes over a group's window
  parameter int BITS   = 9   // bits of a move
) (
  input  wire                    clk,
  input  wire                    rst,
  input  wire                    step,
  output logic                   walking,
  output logic                   in_frame,
  output logic                   opening,
  output logic signed [BITS-1:0] tap_move,
  output logic signed [BITS-1:0] window_move
);

  localparam int WORDS  = PIXEL / GROUPS;                          // of a group's pixel
  localparam int ROW    = W * PIXEL;
  localparam int ACROSS = (KW - 1) * DW * PIXEL + WORDS - 1;       // over a kernel row
  localparam int WINDOW = (KH - 1) * DH * ROW + ACROSS;            // over a group's window
  localparam int BACK   = WINDOW + (GROUPS - 1) * WORDS;           // over all groups
  localparam int TO_COLUMN = SW * PIXEL;
  localparam int TO_ROW    = SH * ROW - (OW - 1) * SW * PIXEL;
  localparam int TO_FRAME  = (H - (OH - 1) * SH) * ROW - (OW - 1) * SW * PIXEL;

  localparam int WORD_BITS   = (WORDS > 1) ? $clog2(WORDS) : 1;
  localparam int KW_BITS     = (KW > 1) ? $clog2(KW) : 1;
  localparam int KH_BITS     = (KH > 1) ? $clog2(KH) : 1;
  localparam int PASS_BITS   = (NF > 1) ? $clog2(NF) : 1;
  localparam int GROUP_BITS  = (GROUPS > 1) ? $clog2(GROUPS) : 1;
  localparam int OW_BITS     = (OW > 1) ? $clog2(OW) : 1;
  localparam int OH_BITS     = (OH > 1) ? $clog2(OH) : 1;

  // The position, innermost first, and which of its counters stand at their end.
  wire [WORD_BITS-1:0]  word;
  wire [KW_BITS-1:0]    kw;
  wire [KH_BITS-1:0]    kh;
  wire [PASS_BITS-1:0]  pass;
  wire [GROUP_BITS-1:0] group;
  wire [OW_BITS-1:0]    ow;
  wire [OH_BITS-1:0]    oh;

  wire word_end   = word == WORD_BITS'(WORDS - 1);
  wire kw_end     = kw == KW_BITS'(KW - 1);
  wire kh_end     = kh == KH_BITS'(KH - 1);
  wire pass_end   = pass == PASS_BITS'(NF - 1);
  wire group_end  = group == GROUP_BITS'(GROUPS - 1);
  wire ow_end     = ow == OW_BITS'(OW - 1);
  wire oh_end     = oh == OH_BITS'(OH - 1);
  wire kernel_end = word_end && kw_end && kh_end;
  wire window_end = kernel_end && pass_end && group_end;

  sl_wrap_counter #(.COUNT(WORDS)) i_word (.clk(clk), .rst(rst), .step(step), .count(word));
  sl_wrap_counter #(.COUNT(KW)) i_kw (
    .clk(clk), .rst(rst), .step(step && word_end), .count(kw)
  );
  sl_wrap_counter #(.COUNT(KH)) i_kh (
    .clk(clk), .rst(rst), .step(step && word_end && kw_end), .count(kh)
  );
  sl_wrap_counter #(.COUNT(NF)) i_pass (
    .clk(clk), .rst(rst), .step(step && kernel_end), .count(pass)
  );
  sl_wrap_counter #(.COUNT(GROUPS)) i_group (
    .clk(clk), .rst(rst), .step(step && kernel_end && pass_end), .count(group)
  );
  sl_wrap_counter #(.COUNT(OW)) i_ow (
    .clk(clk), .rst(rst), .step(step && window_end), .count(ow)
  );
  sl_wrap_counter #(.COUNT(OH)) i_oh (
    .clk(clk), .rst(rst), .step(step && window_end && ow_end), .count(oh)
  );

  // Kernel row k is inside the frame for output rows FROM .. TO, kernel columns likewise.
  wire [KH-1:0] row_ok;
  wire [KW-1:0] column_ok;

  for (genvar k = 0; k < KH; k = k + 1) begin : gen_row
    localparam int FROM = (PT > k * DH) ? (PT - k * DH + SH - 1) / SH : 0;
    localparam int TO   = (H + PT > k * DH) ? (H - 1 + PT - k * DH) / SH : -1;
    wire above = (FROM > 0) && (int'(oh) < FROM);
    wire below = (TO < OH - 1) && (int'(oh) > TO);
    assign row_ok[k] = !above && !below;
  end

  for (genvar k = 0; k < KW; k = k + 1) begin : gen_column
    localparam int FROM = (PL > k * DW) ? (PL - k * DW + SW - 1) / SW : 0;
    localparam int TO   = (W + PL > k * DW) ? (W - 1 + PL - k * DW) / SW : -1;
    wire left  = (FROM > 0) && (int'(ow) < FROM);
    wire right = (TO < OW - 1) && (int'(ow) > TO);
    assign column_ok[k] = !left && !right;
  end

  wire signed [BITS-1:0] to_window = !ow_end ? BITS'(0 - TO_COLUMN) :
                                     !oh_end ? BITS'(0 - TO_ROW) : BITS'(0 - TO_FRAME);

  always_ff @(posedge clk) begin
    if (step) begin
      walking     <= 1'b1;
      in_frame    <= row_ok[kh] && column_ok[kw];
      opening     <= (oh == '0) && (ow == '0);
      window_move <= window_end ? to_window : '0;
      if (!word_end)       tap_move <= BITS'(0 - 1);
      else if (!kw_end)    tap_move <= BITS'(WORDS - 1 - DW * PIXEL);
      else if (!kh_end)    tap_move <= BITS'(ACROSS - DH * ROW);
      else if (!pass_end)  tap_move <= BITS'(WINDOW);
      else if (!group_end) tap_move <= BITS'(WINDOW - WORDS);
      else if (!ow_end)    tap_move <= BITS'(BACK - TO_COLUMN);
      else if (!oh_end)    tap_move <= BITS'(BACK - TO_ROW);
      else                 tap_move <= BITS'(BACK - TO_FRAME);
    end
    if (rst) begin
      walking     <= 1'b0;
      tap_move    <= '0;
      window_move <= '0;
    end
  end

endmodule

`default_nettype wire
