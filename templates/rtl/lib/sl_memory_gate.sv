// Lets frames pass whose memory is in place: the others are dropped before they touch it.
//
//   m = the frames of s on whose first beat base is a multiple of 4096, and not 0.
//
// 0 is what the register holds before a host has written it.
//
// Timing: an accepted beat is offered 1 clock later, one beat a clock; s_tready depends on m_tready
// combinationally, and is high while a frame is dropped. frame_start and misaligned are high for 1
// clock: that after the acceptance of the first beat of a frame that passes, or is dropped.
`default_nettype none

module sl_memory_gate #(
  parameter int WIDTH = 8,  // bits a beat
  parameter int BEATS = 16  // beats a frame
) (
  input  wire              clk,
  input  wire              rst,
  input  wire  [31:0]      base,
  input  wire  [WIDTH-1:0] s_tdata,
  input  wire              s_tvalid,
  output logic             s_tready,
  output logic [WIDTH-1:0] m_tdata,
  output logic             m_tvalid,
  input  wire              m_tready,
  output logic             frame_start,
  output logic             misaligned
);

  localparam int CW = (BEATS > 1) ? $clog2(BEATS) : 1;

  logic [CW-1:0] count_q;  // beats of the frame already accepted
  logic          drop_q;   // the frame is dropped

  wire first  = count_q == '0;
  wire last   = count_q == CW'(BEATS - 1);
  wire wrong  = base[11:0] != '0 || base == '0;
  wire drop   = first ? wrong : drop_q;
  wire enable = !m_tvalid || m_tready;
  wire accept = s_tvalid && s_tready;

  assign s_tready = enable || drop;

  always_ff @(posedge clk) begin
    if (enable) begin
      m_tdata  <= s_tdata;
      m_tvalid <= s_tvalid && !drop;
    end
    if (accept) begin
      count_q <= last ? '0 : count_q + CW'(1);
      drop_q  <= drop;
    end
    frame_start <= accept && first && !drop;
    misaligned  <= accept && first && drop;
    if (rst) begin
      m_tvalid    <= 1'b0;
      count_q     <= '0;
      frame_start <= 1'b0;
      misaligned  <= 1'b0;
    end
  end

endmodule

`default_nettype wire
