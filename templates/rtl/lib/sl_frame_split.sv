// Deals a stream out by turns: A_BEATS beats to m0, then B_BEATS beats to m1, and again.
//
// It takes apart what sl_concat puts together, such as two inputs that come in one frame.
//
// Timing: an accepted beat is offered on its output 1 clock later, one beat a clock. At most one
// beat is held; s_tready is high where none is, or where it is taken in this clock.
`default_nettype none

module sl_frame_split #(
  parameter int WIDTH   = 8, // bits a beat
  parameter int A_BEATS = 2, // beats to m0 in a turn
  parameter int B_BEATS = 2  // beats to m1 in a turn
) (
  input  wire              clk,
  input  wire              rst,
  input  wire  [WIDTH-1:0] s_tdata,
  input  wire              s_tvalid,
  output logic             s_tready,
  output logic [WIDTH-1:0] m0_tdata,
  output logic             m0_tvalid,
  input  wire              m0_tready,
  output logic [WIDTH-1:0] m1_tdata,
  output logic             m1_tvalid,
  input  wire              m1_tready
);

  localparam int CW = $clog2(A_BEATS + B_BEATS);

  logic [WIDTH-1:0] beat_q;
  logic [CW-1:0]    count;  // beats of this turn already taken
  wire              turn = count >= CW'(A_BEATS);  // 1: that of m1

  assign m0_tdata = beat_q;
  assign m1_tdata = beat_q;
  assign s_tready = (!m0_tvalid || m0_tready) && (!m1_tvalid || m1_tready);

  sl_wrap_counter #(.COUNT(A_BEATS + B_BEATS)) i_count (
    .clk(clk), .rst(rst), .step(s_tvalid && s_tready), .count(count)
  );

  always_ff @(posedge clk) begin
    if (s_tready) begin
      m0_tvalid <= s_tvalid && !turn;
      m1_tvalid <= s_tvalid && turn;
      beat_q    <= s_tdata;
    end
    if (rst) begin
      m0_tvalid <= 1'b0;
      m1_tvalid <= 1'b0;
    end
  end

endmodule

`default_nettype wire
