// Marks the ends of batches on a stream whose beats say where frames end, and counts batches.
//
//   m = s, with m_tlast where s_tlast is that of the last of `batch` frames; 0 counts as 1.
//
// A batch takes `batch` in the clock before its first beat is offered, or in that of the last beat
// of the batch before.
//
// Timing: wires from s to m (0 clocks). batch_done is high for 1 clock, that after the last beat
// was taken; batches counts it in the same clock, modulo 2^32.
`default_nettype none

module sl_batch_end #(
  parameter int WIDTH = 64  // bits a beat
) (
  input  wire              clk,
  input  wire              rst,
  input  wire  [31:0]      batch,
  input  wire  [WIDTH-1:0] s_tdata,
  input  wire              s_tvalid,
  output logic             s_tready,
  input  wire              s_tlast,
  output logic [WIDTH-1:0] m_tdata,
  output logic             m_tvalid,
  input  wire              m_tready,
  output logic             m_tlast,
  output logic             batch_done,
  output logic [31:0]      batches
);

  logic        begun_q;  // a beat of the batch was offered
  logic [31:0] left_q;   // frames of it that have not ended

  wire frame_end = s_tvalid && m_tready && s_tlast;
  wire batch_end = frame_end && m_tlast;

  assign m_tdata  = s_tdata;
  assign m_tvalid = s_tvalid;
  assign s_tready = m_tready;
  assign m_tlast  = s_tlast && (left_q[31:1] == '0);

  always_ff @(posedge clk) begin
    begun_q <= (begun_q || s_tvalid) && !batch_end;
    if (batch_end || !(begun_q || s_tvalid)) left_q <= batch;
    else if (frame_end) left_q <= left_q - 32'd1;
    batch_done <= batch_end;
    if (batch_end) batches <= batches + 32'd1;
    if (rst) begin
      begun_q    <= 1'b0;
      left_q     <= batch;
      batch_done <= 1'b0;
      batches    <= '0;
    end
  end

endmodule

`default_nettype wire
