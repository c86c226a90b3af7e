// Product of a factor and the canonic signed digits of another, gated where it is zero.
//
//   p = x * sum over r of pair(rows[r]) * 4**r, exact;  pair = 0, +1, +2, -1 or -2
//
// Row 0 is multiplied before its register and the others behind theirs, where the first addition
// shares their LUTs. A negative row but row 0 is a ones' complement, whose 1 is a carry.
//
// GATE chooses when the operand registers load, each grain beside the coarser ones:
//   0: every enabled clock
//   1: not where the product is zero: they hold, and a mark makes the product 0
//   2: each row has operand registers of its own, which load where the row is not zero
//   3: each digit has
//
// Latency: 1 + clog2(ROWS) enabled clocks: operand registers, then registered additions of rows.
`default_nettype none

module sl_csd_multiply #(
  parameter int X_BITS = 8,
  parameter int X_SIGNED = 0,  // 1: x is two's complement
  parameter int ROWS = 4,      // pairs of digits of the other factor
  parameter int GATE = 1,
  localparam int P_BITS = X_BITS + 2 * ROWS + ((X_SIGNED != 0) ? 0 : 1)
) (
  input  wire                      clk,
  input  wire                      en,
  input  wire  [X_BITS-1:0]        x,
  input  wire  [3*ROWS-1:0]        rows,  // row r at [3r +: 3]: bit 0 for 1, 1 for 2, 2 negative
  output logic signed [P_BITS-1:0] p
);

  localparam int LEVELS = $clog2(ROWS);
  localparam int X = X_BITS + 1;         // a sign for all
  localparam int ROW_BITS = X_BITS + 2;

  wire signed [X-1:0] x_wide = {(X_SIGNED != 0) && x[X_BITS-1], x};
  wire is_zero = (x == '0) || (rows == '0);
  wire load = en && ((GATE == 0) || !is_zero);

  logic [3*ROWS-1:0] rows_q;
  always_ff @(posedge clk) begin
    if (load) rows_q <= rows;
  end

  wire [ROWS*ROW_BITS-1:0] products;
  wire [ROWS-1:0] lack;
  assign lack[0] = 1'b0;

  if (GATE < 2) begin : gen_shared
    wire signed [ROW_BITS-1:0] first;
    wire [ROW_BITS:0] negated = {first, 1'b1} + (ROW_BITS+1)'(rows[2]);
    logic [ROW_BITS-1:0] first_q;
    logic signed [X-1:0] x_q;
    sl_csd_row #(.X_BITS(X)) i_first (.x1(x_wide), .x2(x_wide), .code(rows[2:0]), .row(first));
    always_ff @(posedge clk) begin
      if (load) first_q <= negated[ROW_BITS:1];
      if (load) x_q <= x_wide;
    end
    assign products[ROW_BITS-1:0] = first_q;
    for (genvar r = 1; r < ROWS; r = r + 1) begin : gen_row
      sl_csd_row #(.X_BITS(X)) i_row (
        .x1(x_q), .x2(x_q), .code(rows_q[3*r +: 3]), .row(products[r*ROW_BITS +: ROW_BITS])
      );
      assign lack[r] = rows_q[3*r+2];
    end
    wire unused_bits = &{1'b0, rows_q[2:0], negated[0], x_q};
  end else begin : gen_own
    wire signed [X-1:0] turned = rows[2] ? -x_wide : x_wide;
    for (genvar r = 0; r < ROWS; r = r + 1) begin : gen_row
      wire signed [X-1:0] x1;
      wire signed [X-1:0] x2;
      wire is_negative = (r > 0) && rows_q[3*r+2];
      sl_csd_operand #(.X_BITS(X), .GRAIN(GATE)) i_operand (
        .clk(clk), .en(load), .x((r == 0) ? turned : x_wide), .digits(rows[3*r +: 2]),
        .x1(x1), .x2(x2)
      );
      sl_csd_row #(.X_BITS(X)) i_row (
        .x1(x1), .x2(x2), .code({is_negative, rows_q[3*r +: 2]}),
        .row(products[r*ROW_BITS +: ROW_BITS])
      );
      if (r > 0) begin : gen_lack
        assign lack[r] = is_negative;
      end
    end
    wire unused_sign = &{1'b0, rows_q[2]};
  end

  // A mark for each product that is zero and not in the registers.
  wire clear;
  if (GATE == 0) begin : gen_no_mark
    assign clear = 1'b0;
  end else begin : gen_mark
    sl_delay #(.BITS(1), .CLOCKS((LEVELS > 0) ? LEVELS : 1)) i_mark (
      .clk(clk), .en(en), .d(is_zero), .q(clear)
    );
  end

  localparam int SUM_BITS = (ROWS == 1) ? ROW_BITS : P_BITS;
  wire signed [SUM_BITS-1:0] sum;
  wire unused_lack;
  sl_csd_sum #(.ROWS(ROWS), .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .LEVELS(LEVELS)) i_sum (
    .clk(clk), .en(en), .clear(clear), .rows(products), .lack(lack), .sum(sum),
    .lack_q(unused_lack)
  );
  assign p = (ROWS == 1 && clear) ? '0 : P_BITS'(sum);

endmodule

`default_nettype wire
