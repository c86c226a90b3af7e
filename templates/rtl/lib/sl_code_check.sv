// Sticky detector of the unused QSQ code 111 among the codes of a beat.
//
// bad_code rises two clocks after a valid beat with code 111 and stays until rst. Codes are looked
// at in groups of 8 with a register between, so that neither half is deep.
`default_nettype none

module sl_code_check #(
  parameter int CODES = 64  // codes a beat
) (
  input  wire               clk,
  input  wire               rst,
  input  wire               valid,
  input  wire [CODES*3-1:0] codes,
  output logic              bad_code
);

  localparam int GROUP = 8;
  localparam int GROUPS = (CODES + GROUP - 1) / GROUP;

  wire [GROUPS*GROUP-1:0] is_bad;
  for (genvar i = 0; i < GROUPS * GROUP; i = i + 1) begin : gen_code
    if (i < CODES) begin : gen_used
      assign is_bad[i] = &codes[i*3 +: 3];
    end else begin : gen_pad
      assign is_bad[i] = 1'b0;
    end
  end

  logic valid_q;
  logic [GROUPS-1:0] group_q;
  for (genvar g = 0; g < GROUPS; g = g + 1) begin : gen_group
    always_ff @(posedge clk) group_q[g] <= |is_bad[g*GROUP +: GROUP];
  end

  always_ff @(posedge clk) begin
    valid_q <= valid && !rst;
    if (rst) bad_code <= 1'b0;
    else if (valid_q && |group_q) bad_code <= 1'b1;
  end

endmodule

`default_nettype wire
