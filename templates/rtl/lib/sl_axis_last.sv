// Output end of a core: marks the last of every BEATS beats with TLAST.
//
// Timing: wires from s to m (0 clocks); m_axis_tlast is a register, valid with m_axis_tvalid.
// frame_done is high for 1 clock, that after the acceptance of a last beat.
`default_nettype none

module sl_axis_last #(
  parameter int WIDTH = 8,  // bits a beat
  parameter int BEATS = 16  // beats a frame
) (
  input  wire              clk,
  input  wire              rst,
  input  wire  [WIDTH-1:0] s_tdata,
  input  wire              s_tvalid,
  output logic             s_tready,
  output logic [WIDTH-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  wire              m_axis_tready,
  output logic             m_axis_tlast,
  output logic             frame_done
);

  localparam int CW = $clog2(BEATS + 1);

  logic [CW-1:0] left_q;  // beats after the current one in its frame
  wire           give = m_axis_tvalid && m_axis_tready;

  assign m_axis_tdata  = s_tdata;
  assign m_axis_tvalid = s_tvalid;
  assign s_tready      = m_axis_tready;

  always_ff @(posedge clk) begin
    if (give) begin
      left_q       <= m_axis_tlast ? CW'(BEATS - 1) : left_q - CW'(1);
      m_axis_tlast <= m_axis_tlast ? (BEATS == 1) : (left_q == CW'(1));
    end
    frame_done <= give && m_axis_tlast;
    if (rst) begin
      left_q       <= CW'(BEATS - 1);
      m_axis_tlast <= BEATS == 1;
      frame_done   <= 1'b0;
    end
  end

endmodule

`default_nettype wire
