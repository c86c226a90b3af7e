// The quality K of a unit, held for a frame: what `quality` was at the frame's first beat.
//
//   k = quality while the first of BEATS beats is awaited, then what it was when that was accepted
//
// So k belongs to the beat that the next `step` takes, and a change of `quality` in the middle of
// a frame waits for the next one. Combinational from `quality` for the first beat.
`default_nettype none

module sl_quality_hold #(
  parameter int BEATS = 16  // input beats a frame
) (
  input  wire        clk,
  input  wire        rst,
  input  wire        step,  // a beat is accepted
  input  wire  [3:0] quality,
  output logic [3:0] k
);

  if (BEATS == 1) begin : gen_wire
    assign k = quality;
    wire unused_control = &{1'b0, clk, rst, step};
  end else begin : gen_hold
    localparam int BITS = $clog2(BEATS);
    wire [BITS-1:0] beat;
    logic is_first_q;
    logic [3:0] k_q;

    sl_wrap_counter #(.COUNT(BEATS)) i_beat (
      .clk(clk), .rst(rst), .step(step), .count(beat)
    );

    always_ff @(posedge clk) begin
      if (rst) is_first_q <= 1'b1;
      else if (step) is_first_q <= (beat == BITS'(BEATS - 1));
      k_q <= k;
    end
    assign k = is_first_q ? quality : k_q;
  end

endmodule

`default_nettype wire
