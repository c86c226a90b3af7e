// With all digits kept, recoder and multiplier together give x * a.
`default_nettype none

module csd_times #(
  parameter int X_BITS = 6,
  parameter int X_SIGNED = 0,
  parameter int W = 6,
  parameter int IS_SIGNED = 1,
  parameter int GATE = 1,
  localparam int ROWS = (W + ((IS_SIGNED != 0) ? 1 : 2)) / 2,
  localparam int CLOCKS = 1 + $clog2(ROWS),
  localparam int P_BITS = X_BITS + 2 * ROWS + ((X_SIGNED != 0) ? 0 : 1)
) (
  input wire              clk,
  input wire              en,
  input wire [X_BITS-1:0] x,
  input wire [W-1:0]      a
);

  wire [3*ROWS-1:0] rows;
  wire signed [P_BITS-1:0] p;
  sl_csd_recode #(.W(W), .IS_SIGNED(IS_SIGNED)) i_recode (.value(a), .rows(rows));
  sl_csd_multiply #(.X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .ROWS(ROWS), .GATE(GATE)) i_multiply (
    .clk(clk), .en(en), .x(x), .rows(rows), .p(p)
  );

  wire signed [P_BITS-1:0] wide_x = P_BITS'($signed({(X_SIGNED != 0) && x[X_BITS-1], x}));
  wire signed [P_BITS-1:0] wide_a = P_BITS'($signed({(IS_SIGNED != 0) && a[W-1], a}));
  logic [CLOCKS-1:0] known_q = '0;
  logic [CLOCKS*P_BITS-1:0] expected_q;  // newest in the low bits
  always_ff @(posedge clk) if (en) begin
    known_q    <= CLOCKS'({known_q, 1'b1});
    expected_q <= (CLOCKS*P_BITS)'({expected_q, P_BITS'(wide_x * wide_a)});
  end
  always_comb if (known_q[CLOCKS-1]) assert (p == expected_q[(CLOCKS-1)*P_BITS +: P_BITS]);

endmodule

`default_nettype wire
