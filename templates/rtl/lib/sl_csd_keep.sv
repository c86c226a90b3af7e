// The K most significant non-zero rows of a canonic signed-digit factor: its csd_K.
//
//   kept[r] = rows[r] where fewer than k of the rows above r are not zero, else 0
//
// A row is a pair of digits, of which at most one is not zero, so rows are digits here. k >= ROWS
// keeps all. Combinational.
`default_nettype none

module sl_csd_keep #(
  parameter int ROWS = 4  // pairs of digits, at most 15
) (
  input  wire  [3*ROWS-1:0] rows,  // row r at [3r +: 3]: bit 0 for 1, bit 1 for 2, bit 2 negative
  input  wire  [3:0]        k,
  output logic [3*ROWS-1:0] kept
);

  // From the top down; bit j: more than j non-zero rows may still be kept.
  logic [ROWS-1:0] left;
  always_comb begin
    for (int j = 0; j < ROWS; j = j + 1) left[j] = (k > 4'(j));
    for (int r = ROWS - 1; r >= 0; r = r - 1) begin
      kept[3*r +: 3] = left[0] ? rows[3*r +: 3] : '0;
      if (|rows[3*r +: 2]) left = left >> 1;
    end
  end

endmodule

`default_nettype wire
