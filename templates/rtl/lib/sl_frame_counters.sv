// What a core has done since reset: whether it is busy, frames finished, clocks spent busy.
//
// frame_start and frame_done are high for one clock each; a core is busy while it holds a frame
// that has started and is not done, at most 2**16 - 1 of them. busy and the counts are registered.
`default_nettype none

module sl_frame_counters (
  input  wire         clk,
  input  wire         rst,
  input  wire         frame_start,
  input  wire         frame_done,
  output logic        busy,
  output logic [31:0] frames,
  output logic [63:0] cycles
);

  logic [15:0] in_flight_q;
  wire [15:0] in_flight = in_flight_q + 16'(frame_start) - 16'(frame_done);

  always_ff @(posedge clk) begin
    if (rst) begin
      in_flight_q <= '0;
      busy <= 1'b0;
      frames <= '0;
      cycles <= '0;
    end else begin
      in_flight_q <= in_flight;
      busy <= (in_flight != '0);
      if (frame_done) frames <= frames + 32'd1;
      if (busy) cycles <= cycles + 64'd1;
    end
  end

endmodule

`default_nettype wire
