// A word CLOCKS enabled clocks late; without reset, so that long delays are shift registers.
//
//   q = d as it was CLOCKS enabled clocks ago
`default_nettype none

module sl_delay #(
  parameter int BITS = 8,
  parameter int CLOCKS = 3  // 0 or more
) (
  input  wire             clk,
  input  wire             en,
  input  wire  [BITS-1:0] d,
  output logic [BITS-1:0] q
);

  if (CLOCKS == 0) begin : gen_wire
    assign q = d;
    wire unused_control = &{1'b0, clk, en};
  end else begin : gen_line
    logic [CLOCKS*BITS-1:0] line_q;
    wire [CLOCKS*BITS-1:0] line;
    assign line[0 +: BITS] = d;
    if (CLOCKS > 1) begin : gen_shift
      assign line[BITS +: (CLOCKS-1)*BITS] = line_q[0 +: (CLOCKS-1)*BITS];
    end
    always_ff @(posedge clk) begin
      if (en) line_q <= line;
    end
    assign q = line_q[(CLOCKS-1)*BITS +: BITS];
  end

endmodule

`default_nettype wire
