// Control of sl_window: which column is read next, when, and which steps complete an output.
//
// Every output row scans columns 0 .. SLOTS-1 of its KH input rows, one a step, and the scan runs
// on from row to row and frame to frame. A pixel is DIGITS columns, a window of digits an output:
// the one of digit d of output ow is complete with digit d of pixel ow*SW - PL + KW-1. Where that
// lies beyond the scanned ones, the first FLUSH steps after the row complete it: they are the first
// columns of the next row or, while those have not arrived, blank. (Columns outside the frame are
// masked later, so what a flush step reads is not seen.)
//
// The step for column x waits for column x of the newest of the KH rows inside the frame. Where
// outputs are left to flush, a row starts only when its first FLUSH columns have arrived, and the
// steps are blank meanwhile: a flush never waits for data, and no blank gets inside a row.
//
// Rows are counted from the one at kernel row 0, which starts PT rows above the frame: a row bank
// is free again when the scan of the last output row that needs it is over.
//
// Needs PT < KH, PL < KW, (OH-1)*SH - PT < H, (OW-1)*SW - PL < W and ROWS >= KH.
`default_nettype none

module sl_window_scan #(
  parameter int H      = 28,  // input rows
  parameter int W      = 28,  // pixels a row
  parameter int KH     = 5,   // kernel rows
  parameter int KW     = 5,   // kernel pixels a row
  parameter int SH     = 1,   // row stride
  parameter int SW     = 1,   // pixel stride
  parameter int PT     = 2,   // padding rows on top
  parameter int PL     = 2,   // padding pixels on the left
  parameter int OH     = 28,  // output rows
  parameter int OW     = 28,  // outputs a row
  parameter int ROWS   = 6,   // row banks
  parameter int DIGITS = 1,   // columns a pixel
  localparam int COLUMNS = W * DIGITS,
  localparam int AW = (COLUMNS > 1) ? $clog2(COLUMNS) : 1,
  localparam int BW = (ROWS > 1) ? $clog2(ROWS) : 1
) (
  input  wire           clk,
  input  wire           rst,
  input  wire  [AW-1:0] w_column,  // the column written next
  input  wire           w_row,     // a row is completely written with this clock
  output logic          w_space,   // the row that is being written has a bank
  input  wire           ready,
  output logic          step,      // a column is read, or a blank one taken
  output logic [AW-1:0] column,
  output logic [BW-1:0] bank,      // where kernel row 0 is
  output logic [KH-1:0] row_ok,    // the kernel rows inside the frame
  output logic          emit       // this step completes an output's window
);

  localparam int WINDOWS = OW * DIGITS;             // windows completed in a row
  localparam int PERIOD  = SW * DIGITS;             // steps from output to output
  localparam int FIRST   = (KW - 1 - PL) * DIGITS;  // the column that completes the first window
  localparam int LAST    = FIRST + (OW - 1) * PERIOD + DIGITS - 1;  // and the last one
  localparam int INSIDE  = (LAST < COLUMNS) ? LAST + 1 : COLUMNS;
  localparam int APART   = 1 + ((LAST > 2 * FIRST) ? LAST - FIRST : FIRST);
  localparam int SLOTS   = (INSIDE > APART) ? INSIDE : APART;
  localparam int FLUSH   = LAST + 1 - SLOTS;

  localparam int NEXT   = H - (OH - 1) * SH;       // rows from the last window to the next frame's
  localparam int MOVE   = (NEXT > SH) ? NEXT : SH;
  localparam int BOUND  = (MOVE > ROWS + KH) ? MOVE : ROWS + KH;

  localparam int XW = (SLOTS > 1) ? $clog2(SLOTS) : 1;
  localparam int YW = (OH > 1) ? $clog2(OH) : 1;
  localparam int NW = (WINDOWS > 1) ? $clog2(WINDOWS) : 1;
  localparam int PW = (PERIOD > 1) ? $clog2(PERIOD) : 1;
  localparam int RW = $clog2(BOUND + 1) + 1;

  logic [XW-1:0]        x_q;     // the column read next
  logic [YW-1:0]        oh_q;    // the output row being scanned
  logic [NW-1:0]        ow_q;    // the window completed next
  logic [PW-1:0]        phase_q; // steps since the first window of an output
  logic                 busy_q;  // windows 0 .. ow_q-1 of a row are complete, not all of them
  logic [BW-1:0]        bank_q, bank_d;
  logic signed [RW-1:0] rows_q;  // rows written, counted from kernel row 0
  logic signed [RW-1:0] rows_stay, rows_move;
  logic                 whole;   // the newest row inside the frame is written
  logic                 part;    // it is being written

  wire oh_last   = oh_q == YW'(OH - 1);
  wire ow_last   = ow_q == NW'(WINDOWS - 1);
  wire flushing  = (FLUSH > 0) && busy_q && (x_q == '0);
  wire arrived   = flushing ? int'(w_column) >= FLUSH : int'(w_column) != int'(x_q);
  wire column_ok = whole || (part && arrived);
  wire row_end   = ready && column_ok && (x_q == XW'(SLOTS - 1));

  assign w_space = int'(rows_q) < ROWS;
  assign step    = ready && (column_ok || flushing);
  assign column  = AW'(x_q);
  assign bank    = bank_q;
  assign emit    = busy_q ? int'(phase_q) < DIGITS : x_q == XW'(FIRST);

  for (genvar k = 0; k < KH; k = k + 1) begin : gen_row
    // Kernel row k is inside the frame for output rows FROM .. TO.
    localparam int FROM = (PT > k) ? (PT - k + SH - 1) / SH : 0;
    localparam int TO   = (H + PT > k) ? (H - 1 + PT - k) / SH : -1;
    wire above = (FROM > 0) && (int'(oh_q) < FROM);
    wire below = (TO < OH - 1) && (int'(oh_q) > TO);
    assign row_ok[k] = !above && !below;
  end

  always_comb begin
    whole = 1'b0;
    part  = 1'b0;
    for (int k = 0; k < KH; k = k + 1) begin
      if (row_ok[k]) begin
        whole = rows_q > RW'(k);
        part  = rows_q == RW'(k);
      end
    end
  end

  // Two sums beside the decision between them, so that they are not on its path.
  assign rows_stay = rows_q + RW'(w_row);
  assign rows_move = rows_q + (oh_last ? RW'(0 - NEXT) : RW'(0 - SH)) + RW'(w_row);

  always_comb begin
    bank_d = '0;
    for (int b = 0; b < ROWS; b = b + 1) begin
      if (bank_q == BW'(b)) bank_d = BW'((b + ROWS + (oh_last ? NEXT : SH) % ROWS) % ROWS);
    end
  end

  always_ff @(posedge clk) begin
    if (ready && column_ok) x_q <= row_end ? '0 : x_q + XW'(1);
    if (row_end) begin
      oh_q   <= oh_last ? '0 : oh_q + YW'(1);
      bank_q <= bank_d;
    end
    rows_q <= row_end ? rows_move : rows_stay;
    if (step) begin
      if (emit) begin
        ow_q   <= ow_last ? '0 : ow_q + NW'(1);
        busy_q <= !ow_last;
      end
      if ((emit && ow_last) || (phase_q == PW'(PERIOD - 1))) phase_q <= '0;
      else if (emit || busy_q) phase_q <= phase_q + PW'(1);
    end
    if (rst) begin
      x_q     <= '0;
      oh_q    <= '0;
      ow_q    <= '0;
      phase_q <= '0;
      busy_q  <= 1'b0;
      bank_q  <= BW'((ROWS - PT % ROWS) % ROWS);
      rows_q  <= RW'(PT);
    end
  end

endmodule

`default_nettype wire
