// The canonic signed digits of a value that is known at run time only, as rows of two digits.
//
//   value = sum over r of pair(rows[r]) * 4**r, no two neighbouring digits both non-zero
//
// Digit i is bit i + 1 of 3*value minus that of value, which one addition finds for all of them.
// Combinational.
`default_nettype none

module sl_csd_recode #(
  parameter int W = 8,          // width of the value
  parameter int IS_SIGNED = 1,  // 1: the value is two's complement
  localparam int ROWS = (W + ((IS_SIGNED != 0) ? 1 : 2)) / 2
) (
  input  wire  [W-1:0]      value,
  output logic [3*ROWS-1:0] rows  // row r at [3r +: 3]: bit 0 for 1, bit 1 for 2, bit 2 negative
);

  localparam int BITS = 2 * ROWS + 1;  // digits and one bit
  wire sign = (IS_SIGNED != 0) && value[W-1];
  wire [BITS-1:0] once = {{(BITS-W){sign}}, value};
  wire [BITS-1:0] thrice = once + (once << 1);
  wire [BITS-1:0] differ = thrice ^ once;
  wire unused_low_bit = &{1'b0, differ[0]};

  for (genvar r = 0; r < ROWS; r = r + 1) begin : gen_row
    wire [1:0] digits = differ[2*r+1 +: 2];
    wire [1:0] negative = digits & once[2*r+1 +: 2];
    assign rows[3*r +: 3] = {|negative, digits};
  end

endmodule

`default_nettype wire
