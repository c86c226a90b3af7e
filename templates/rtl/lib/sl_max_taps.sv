// Maximum of the taps of a pixel, lane by lane.
//
//   y = max of x over the clocks from is_first to is_last
//
// y is valid 1 clock after the last tap, for one clock.
`default_nettype none

module sl_max_taps #(
  parameter int LANES = 8,
  parameter int BITS = 8,
  parameter int IS_SIGNED = 0
) (
  input  wire                   clk,
  input  wire                   rst,
  input  wire                   valid,
  input  wire                   is_first,
  input  wire                   is_last,
  input  wire  [LANES*BITS-1:0] x,
  output logic                  y_valid,
  output logic [LANES*BITS-1:0] y
);

  for (genvar l = 0; l < LANES; l = l + 1) begin : gen_lane
    wire [BITS-1:0] now = x[l*BITS +: BITS];
    wire [BITS-1:0] best = y[l*BITS +: BITS];
    wire [BITS-1:0] flip = (IS_SIGNED != 0) ? {1'b1, {(BITS-1){1'b0}}} : '0;
    wire larger = (now ^ flip) > (best ^ flip);
    always_ff @(posedge clk) begin
      if (valid && (is_first || larger)) y[l*BITS +: BITS] <= now;
    end
  end

  always_ff @(posedge clk) y_valid <= valid && is_last && !rst;

endmodule

`default_nettype wire
