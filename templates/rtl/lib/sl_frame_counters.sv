// What a core has done since reset: whether it is busy, frames finished, clocks spent busy.
//
// frame_start and frame_done are high for one clock each; a core holds the frames that have started
// and are not done, at most 2**16 - 1 of them. busy follows that by two clocks, frames by one;
// cycles counts the clocks with busy.
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

  always_ff @(posedge clk) begin
    if (rst) begin
      in_flight_q <= '0;
      busy <= 1'b0;
      frames <= '0;
      cycles <= '0;
    end else begin
      if (frame_start && !frame_done) in_flight_q <= in_flight_q + 16'd1;
      if (frame_done && !frame_start) in_flight_q <= in_flight_q - 16'd1;
      busy <= (in_flight_q != '0);
      if (frame_done) frames <= frames + 32'd1;
      if (busy) cycles <= cycles + 64'd1;
    end
  end

endmodule

`default_nettype wire
