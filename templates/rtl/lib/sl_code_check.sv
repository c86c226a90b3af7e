// Detector of the unused QSQ code 111 among the codes of a beat.
//
// bad_code is high for one clock, three clocks after a valid beat with code 111: codes are looked
// at in groups, with registers between, so that no step is deep.
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

  localparam int FIRST = 4;    // codes a group: two levels of LUT6
  localparam int SECOND = 16;  // groups a group
  localparam int GROUPS = (CODES + FIRST - 1) / FIRST;
  localparam int TOP_GROUPS = (GROUPS + SECOND - 1) / SECOND;

  wire [CODES-1:0] is_bad;
  for (genvar i = 0; i < CODES; i = i + 1) begin : gen_code
    assign is_bad[i] = &codes[i*3 +: 3];
  end

  wire [GROUPS-1:0] group;
  wire [TOP_GROUPS-1:0] top_group;
  sl_any_of #(.N(CODES), .GROUP(FIRST)) i_first (.clk(clk), .bits(is_bad), .any(group));
  sl_any_of #(.N(GROUPS), .GROUP(SECOND)) i_second (.clk(clk), .bits(group), .any(top_group));

  logic [1:0] valid_q;
  always_ff @(posedge clk) begin
    if (rst) valid_q <= '0;
    else valid_q <= {valid_q[0], valid};
    if (rst) bad_code <= 1'b0;
    else bad_code <= valid_q[1] && |top_group;
  end

endmodule

`default_nettype wire
