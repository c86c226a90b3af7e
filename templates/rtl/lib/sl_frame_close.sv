// Between the source of frames and a core: a frame that the source gives up in a reset is ended.
//
//   m = s; in reset, and until the frame is ended, a beat with TLAST of any data where m stands
//   within a frame, in the place of what s offers.
//
// Where m stands is remembered through reset, as sl_axis_framer does it. open is high within a
// frame: from its first beat on until its last one is taken.
//
// Timing: wires from s to m (0 clocks). An offered beat of s gives way to the closing one.
`default_nettype none

module sl_frame_close #(
  parameter int WIDTH = 8  // bits a beat
) (
  input  wire              clk,
  input  wire              rst,
  input  wire  [WIDTH-1:0] s_tdata,
  input  wire              s_tvalid,
  output logic             s_tready,
  input  wire              s_tlast,
  output logic [WIDTH-1:0] m_tdata,
  output logic             m_tvalid,
  input  wire              m_tready,
  output logic             m_tlast,
  output logic             open
);

  logic open_q;   // not reset
  logic close_q;  // there was a reset, and the frame of before it may be open

  initial open_q = 1'b0;

  wire closing = rst || close_q;

  assign open     = open_q;
  assign m_tdata  = s_tdata;
  assign m_tvalid = closing ? open_q : s_tvalid;
  assign m_tlast  = closing || s_tlast;
  assign s_tready = m_tready && !closing;

  always_ff @(posedge clk) begin
    if (m_tvalid && m_tready) open_q <= !m_tlast;
    close_q <= rst || (close_q && open_q);
  end

endmodule

`default_nettype wire
