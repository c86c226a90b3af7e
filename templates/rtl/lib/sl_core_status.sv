// Counters of a core for its registers: frames done, clocks spent busy, and whether it is busy.
//
// busy is high from a frame's first beat in to its last beat out; frames and cycles wrap around.
`default_nettype none

module sl_core_status (
  input  wire         clk,
  input  wire         rst,
  input  wire         frame_start,  // pulse: a frame's first beat came in
  input  wire         frame_done,   // pulse: a frame's last beat went out
  output logic        busy,
  output logic [31:0] frames,
  output logic [63:0] cycles
);

  logic [15:0] started_q;  // frames begun, modulo 2**16: more than any chain holds

  assign busy = started_q != frames[15:0];

  always_ff @(posedge clk) begin
    if (frame_start) started_q <= started_q + 16'd1;
    if (frame_done)  frames <= frames + 32'd1;
    if (busy)        cycles <= cycles + 64'd1;
    if (rst) begin
      started_q <= '0;
      frames    <= '0;
      cycles    <= '0;
    end
  end

endmodule

`default_nettype wire
