// Registered OR of groups of bits: any[g] = |bits[g*GROUP +: GROUP], one clock later.
`default_nettype none

module sl_any_of #(
  parameter int N = 64,     // bits; the last group may be shorter
  parameter int GROUP = 16,
  localparam int GROUPS = (N + GROUP - 1) / GROUP
) (
  input  wire               clk,
  input  wire  [N-1:0]      bits,
  output logic [GROUPS-1:0] any
);

  wire [GROUPS*GROUP-1:0] padded = (GROUPS*GROUP)'(bits);

  for (genvar g = 0; g < GROUPS; g = g + 1) begin : gen_group
    always_ff @(posedge clk) any[g] <= |padded[g*GROUP +: GROUP];
  end

endmodule

`default_nettype wire
