// The k of sl_quality_hold is what `quality` was at the first beat of the frame, for all its beats.
`default_nettype none

module held_quality #(
  parameter int BEATS = 3
) (
  input wire       clk,
  input wire       rst,
  input wire       step,
  input wire [3:0] quality,
  input wire [3:0] k
);

  logic       started_q = 1'b0;
  logic [7:0] beat_q;  // of the frame
  logic [3:0] first_q;
  always_ff @(posedge clk) begin
    if (step) beat_q <= (beat_q == 8'(BEATS - 1)) ? '0 : beat_q + 8'd1;
    if (step && beat_q == '0) first_q <= quality;
    if (rst) beat_q <= '0;
    if (rst) started_q <= 1'b1;
  end
  always_comb if (started_q) assert (k == ((beat_q == '0) ? quality : first_q));

endmodule

`default_nettype wire
