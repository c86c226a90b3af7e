// Keeps a rectangle of a frame.
//
//   y[h,w,c] = x[TOP + h, LEFT + w, c],  h < OH, w < OW
//
// In: H*W pixels of FOLDS beats. Out: OH*OW pixels of FOLDS beats.
//
// Timing: a beat inside is offered 1 clock after its acceptance, the others vanish. One beat a
// clock in, always; one enable (!m_tvalid || m_tready) is s_tready.
`default_nettype none

module sl_crop #(
  parameter int H     = 4, // input rows
  parameter int W     = 4, // input columns
  parameter int FOLDS = 1, // beats a pixel
  parameter int WIDTH = 8, // bits a beat
  parameter int TOP   = 1, // rows left out on top
  parameter int LEFT  = 1, // columns left out on the left
  parameter int OH    = 2, // output rows
  parameter int OW    = 2  // output columns
) (
  input  wire              clk,
  input  wire              rst,
  input  wire  [WIDTH-1:0] s_tdata,
  input  wire              s_tvalid,
  output logic             s_tready,
  output logic [WIDTH-1:0] m_tdata,
  output logic             m_tvalid,
  input  wire              m_tready
);

  localparam int FW = (FOLDS > 1) ? $clog2(FOLDS) : 1;
  localparam int XW = (W > 1) ? $clog2(W) : 1;
  localparam int YW = (H > 1) ? $clog2(H) : 1;

  logic [FW-1:0] fold;
  logic [XW-1:0] x;
  logic [YW-1:0] y;

  wire enable    = !m_tvalid || m_tready;
  wire accept    = s_tvalid && enable;
  wire fold_last = fold == FW'(FOLDS - 1);
  wire x_last    = x == XW'(W - 1);
  wire x_inside  = (int'(x) >= LEFT) && (int'(x) < LEFT + OW);
  wire y_inside  = (int'(y) >= TOP) && (int'(y) < TOP + OH);

  assign s_tready = enable;

  sl_wrap_counter #(.COUNT(FOLDS)) i_fold (.clk(clk), .rst(rst), .step(accept), .count(fold));
  sl_wrap_counter #(.COUNT(W)) i_x (
    .clk(clk), .rst(rst), .step(accept && fold_last), .count(x)
  );
  sl_wrap_counter #(.COUNT(H)) i_y (
    .clk(clk), .rst(rst), .step(accept && fold_last && x_last), .count(y)
  );

  always_ff @(posedge clk) begin
    if (rst) m_tvalid <= 1'b0;
    else if (enable) m_tvalid <= s_tvalid && x_inside && y_inside;
  end
  always_ff @(posedge clk) if (enable) m_tdata <= s_tdata;

endmodule

`default_nettype wire
