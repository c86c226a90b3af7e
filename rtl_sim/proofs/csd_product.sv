// sl_csd_multiply gives x times the sum of its rows, whatever rows it gets, after its latency.
`default_nettype none

module csd_product #(
  parameter int X_BITS = 8,
  parameter int X_SIGNED = 0,
  parameter int ROWS = 4,
  localparam int CLOCKS = 1 + $clog2(ROWS),
  localparam int P_BITS = X_BITS + 2 * ROWS + ((X_SIGNED != 0) ? 0 : 1)
) (
  input wire               clk,
  input wire               en,
  input wire [X_BITS-1:0]  x,
  input wire [3*ROWS-1:0]  rows,
  input wire signed [P_BITS-1:0]  p
);

  wire signed [P_BITS-1:0] wide = P_BITS'($signed({(X_SIGNED != 0) && x[X_BITS-1], x}));
  logic signed [P_BITS-1:0] expected;
  always_comb begin
    expected = '0;
    for (int r = 0; r < ROWS; r = r + 1) begin
      case (rows[3*r +: 3])
        3'b001:  expected = expected + (wide <<< (2*r));
        3'b010:  expected = expected + (wide <<< (2*r + 1));
        3'b101:  expected = expected - (wide <<< (2*r));
        3'b110:  expected = expected - (wide <<< (2*r + 1));
        default: expected = expected;
      endcase
    end
  end
  for (genvar r = 0; r < ROWS; r = r + 1) begin : gen_row
    wire [2:0] code = rows[3*r +: 3];  // the codes that occur
    always_comb assume (code != 3'b011 && code != 3'b100 && code != 3'b111);
  end

  logic [CLOCKS-1:0] known_q = '0;
  logic [CLOCKS*P_BITS-1:0] expected_q;  // newest in the low bits
  always_ff @(posedge clk) if (en) begin
    known_q    <= CLOCKS'({known_q, 1'b1});
    expected_q <= (CLOCKS*P_BITS)'({expected_q, expected});
  end
  always_comb if (known_q[CLOCKS-1]) assert (p == expected_q[(CLOCKS-1)*P_BITS +: P_BITS]);

endmodule

`default_nettype wire
