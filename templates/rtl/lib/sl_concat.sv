// Joins two streams by turns: A_BEATS beats of s0, then B_BEATS beats of s1, and again.
//
// With the beats of a pixel this is a concatenation of channels, with those of a frame it puts one
// frame behind the other.
//
// Timing: an accepted beat is offered 1 clock later, one beat a clock. One enable
// (!m_tvalid || m_tready) is the ready of the stream whose turn it is; the other waits.
`default_nettype none

module sl_concat #(
  parameter int WIDTH   = 8, // bits a beat
  parameter int A_BEATS = 2, // beats of s0 in a turn
  parameter int B_BEATS = 2  // beats of s1 in a turn
) (
  input  wire              clk,
  input  wire              rst,
  input  wire  [WIDTH-1:0] s0_tdata,
  input  wire              s0_tvalid,
  output logic             s0_tready,
  input  wire  [WIDTH-1:0] s1_tdata,
  input  wire              s1_tvalid,
  output logic             s1_tready,
  output logic [WIDTH-1:0] m_tdata,
  output logic             m_tvalid,
  input  wire              m_tready
);

  localparam int CW = $clog2(A_BEATS + B_BEATS);

  logic [CW-1:0] count;  // beats of this turn already taken
  wire           turn   = count >= CW'(A_BEATS);  // 1: that of s1
  wire           enable = !m_tvalid || m_tready;
  wire           offer  = turn ? s1_tvalid : s0_tvalid;

  assign s0_tready = enable && !turn;
  assign s1_tready = enable && turn;

  sl_wrap_counter #(.COUNT(A_BEATS + B_BEATS)) i_count (
    .clk(clk), .rst(rst), .step(enable && offer), .count(count)
  );

  always_ff @(posedge clk) begin
    if (rst) m_tvalid <= 1'b0;
    else if (enable) m_tvalid <= offer;
  end
  always_ff @(posedge clk) if (enable) m_tdata <= turn ? s1_tdata : s0_tdata;

endmodule

`default_nettype wire
