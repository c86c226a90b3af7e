// sl_csd_recode gives the canonic signed digits of every value: exact, and no two neighbours both
// non-zero. sl_csd_keep keeps the K most significant ones, as the golden model does.
//
// csd_table::golden is a table of csd_K, made by the Python of the golden model.
`default_nettype none

module canonic #(
  parameter int W = 8,
  parameter int IS_SIGNED = 1,
  localparam int ROWS = (W + ((IS_SIGNED != 0) ? 1 : 2)) / 2
) (
  input wire [W-1:0] value,
  input wire [3:0]   k
);

  wire [3*ROWS-1:0] rows, kept;
  sl_csd_recode #(.W(W), .IS_SIGNED(IS_SIGNED)) i_recode (.value(value), .rows(rows));
  sl_csd_keep #(.ROWS(ROWS)) i_keep (.rows(rows), .k(k), .kept(kept));

  function automatic logic signed [31:0] sum(input logic [3*ROWS-1:0] codes);
    sum = 0;
    for (int r = 0; r < ROWS; r = r + 1) begin
      if (codes[3*r+2]) sum = sum - (32'(codes[3*r +: 2]) << (2*r));
      else sum = sum + (32'(codes[3*r +: 2]) << (2*r));
    end
  endfunction

  wire signed [31:0] number = 32'($signed({(IS_SIGNED != 0) && value[W-1], value}));
  wire [2*ROWS-1:0] digits;  // which are not zero
  for (genvar r = 0; r < ROWS; r = r + 1) begin : gen_row
    assign digits[2*r +: 2] = rows[3*r +: 2];
    always_comb if (rows[3*r +: 2] == '0) assert (!rows[3*r+2]);
  end

  always_comb begin
    assert (sum(rows) == number);
    assert ((digits & (digits << 1)) == '0);
    assert (sum(kept) == csd_table::golden(value, k));
  end

endmodule

`default_nettype wire
