// A word whose fields leave one clock later each: the skew of a systolic array, or its inverse.
//
//   DOWN = 0: field i of q is field i of d, i clocks ago
//   DOWN = 1: field i of q is field i of d, N - 1 - i clocks ago
`default_nettype none

module sl_triangle #(
  parameter int N = 4,     // fields
  parameter int BITS = 8,  // of a field
  parameter int DOWN = 0   // 1: the first field waits longest
) (
  input  wire               clk,
  input  wire  [N*BITS-1:0] d,
  output logic [N*BITS-1:0] q
);

  for (genvar i = 0; i < N; i = i + 1) begin : gen_field
    sl_delay #(.BITS(BITS), .CLOCKS((DOWN != 0) ? N - 1 - i : i)) i_delay (
      .clk(clk), .en(1'b1), .d(d[i*BITS +: BITS]), .q(q[i*BITS +: BITS])
    );
  end

endmodule

`default_nettype wire
