// Puts a border around a frame, and gaps between its rows and columns, all of VALUE.
//
//   y[PT + h*(GAP_Y+1), PL + w*(GAP_X+1), c] = x[h,w,c], every other element VALUE
//
// In: H*W pixels of FOLDS beats, LANES elements of BITS bits a beat. Out: the same beats among
// fillers, PT + (H-1)*(GAP_Y+1) + 1 + PB rows and PL + (W-1)*(GAP_X+1) + 1 + PR columns of pixels.
//
// Timing: one beat a clock out; an accepted beat is held and can be offered 1 clock later. A frame
// begins when its first input beat is held, even if fillers come before it; fillers wait for
// nothing else. s_tready is high where no beat is held, or where the one held is taken in this
// clock.
`default_nettype none

module sl_insert #(
  parameter int H     = 4, // input rows
  parameter int W     = 4, // input columns
  parameter int FOLDS = 1, // beats a pixel
  parameter int LANES = 1, // elements a beat
  parameter int BITS  = 8, // bits an element
  parameter int PT    = 1, // rows of fillers on top
  parameter int PL    = 1, // columns of fillers on the left
  parameter int PB    = 1, // rows of fillers at the bottom
  parameter int PR    = 1, // columns of fillers on the right
  parameter int GAP_Y = 0, // rows of fillers between two input rows
  parameter int GAP_X = 0, // columns of fillers between two input columns
  parameter int VALUE = 0  // of a filling element, its low BITS bits
) (
  input  wire                   clk,
  input  wire                   rst,
  input  wire  [LANES*BITS-1:0] s_tdata,
  input  wire                   s_tvalid,
  output logic                  s_tready,
  output logic [LANES*BITS-1:0] m_tdata,
  output logic                  m_tvalid,
  input  wire                   m_tready
);

  localparam int FW = (FOLDS > 1) ? $clog2(FOLDS) : 1;

  logic [FW-1:0] fold;
  logic          y_first, y_data, x_first, x_last, x_data;
  logic          unused_y_last;
  logic          held_q;  // beat_q is a beat to come

  logic [LANES*BITS-1:0] beat_q;

  wire fold_last = fold == FW'(FOLDS - 1);
  wire is_data   = y_data && x_data;
  wire first     = y_first && x_first && (fold == '0);
  wire give      = m_tvalid && m_tready;

  assign s_tready = !held_q || (give && is_data);
  assign m_tvalid = held_q || !(is_data || first);
  assign m_tdata  = is_data ? beat_q : {LANES{BITS'(VALUE)}};

  sl_wrap_counter #(.COUNT(FOLDS)) i_fold (.clk(clk), .rst(rst), .step(give), .count(fold));
  sl_insert_axis #(.N(W), .BEFORE(PL), .AFTER(PR), .GAP(GAP_X)) i_x (
    .clk(clk), .rst(rst), .step(give && fold_last),
    .first(x_first), .last(x_last), .is_data(x_data)
  );
  sl_insert_axis #(.N(H), .BEFORE(PT), .AFTER(PB), .GAP(GAP_Y)) i_y (
    .clk(clk), .rst(rst), .step(give && fold_last && x_last),
    .first(y_first), .last(unused_y_last), .is_data(y_data)
  );

  always_ff @(posedge clk) begin
    if (rst) held_q <= 1'b0;
    else if (s_tready) held_q <= s_tvalid;
  end
  always_ff @(posedge clk) if (s_tready) beat_q <= s_tdata;

endmodule

`default_nettype wire
