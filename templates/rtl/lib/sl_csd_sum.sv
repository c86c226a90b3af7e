// The sum of the rows of a signed-digit product, every level of the tree registered.
//
//   sum + lack_q = sum over r of (rows[r] + lack[r]) * 4**r, exact
//
// Without a level, one row is its own sum. With LEVELS > 0, the 2**(LEVELS-1) low rows and the rest
// are added by the module itself with one level less. What the lowest row of the rest lacks is the
// carry into their addition; what the lowest row of all lacks is left for the level above.
//
// Latency: LEVELS enabled clocks. `clear` makes the sum of the last level 0.
`default_nettype none

module sl_csd_sum #(
  parameter int ROWS = 4,      // at most 2**LEVELS
  parameter int X_BITS = 8,    // width of the operand
  parameter int X_SIGNED = 0,  // 1: the operand is two's complement
  parameter int LEVELS = 2,
  localparam int ROW_BITS = X_BITS + 2,
  localparam int WIDE_BITS = X_BITS + 2 * ROWS + ((X_SIGNED != 0) ? 0 : 1),
  localparam int SUM_BITS = (ROWS == 1) ? ROW_BITS : WIDE_BITS
) (
  input  wire                        clk,
  input  wire                        en,
  input  wire                        clear,
  input  wire  [ROWS*ROW_BITS-1:0]   rows,  // signed, row 0 in the LSBs
  input  wire  [ROWS-1:0]            lack,
  output logic signed [SUM_BITS-1:0] sum,
  output logic                       lack_q
);

  localparam int LOW = (LEVELS > 0) ? 1 << (LEVELS - 1) : 1;  // rows of the low part

  if (LEVELS == 0) begin : gen_leaf
    assign sum = rows;
    assign lack_q = lack;
    wire unused_control = &{1'b0, clk, en, clear};
  end else if (ROWS <= LOW) begin : gen_delay
    wire signed [SUM_BITS-1:0] early;
    wire early_lack;
    sl_csd_sum #(
      .ROWS(ROWS), .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .LEVELS(LEVELS - 1)
    ) i_early (
      .clk(clk), .en(en), .clear(1'b0), .rows(rows), .lack(lack), .sum(early),
      .lack_q(early_lack)
    );
    always_ff @(posedge clk) begin
      if (en) sum <= clear ? '0 : early;
      if (en) lack_q <= early_lack;
    end
  end else begin : gen_level
    localparam int HIGH = ROWS - LOW;
    localparam int LOW_WIDE = X_BITS + 2 * LOW + ((X_SIGNED != 0) ? 0 : 1);
    localparam int HIGH_WIDE = X_BITS + 2 * HIGH + ((X_SIGNED != 0) ? 0 : 1);
    localparam int LOW_BITS = (LOW == 1) ? ROW_BITS : LOW_WIDE;
    localparam int HIGH_BITS = (HIGH == 1) ? ROW_BITS : HIGH_WIDE;
    localparam int UPPER = SUM_BITS - 2 * LOW;  // bits that are added
    wire signed [LOW_BITS-1:0] low;
    wire signed [HIGH_BITS-1:0] high;
    wire low_lack;
    wire high_lack;
    sl_csd_sum #(
      .ROWS(LOW), .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .LEVELS(LEVELS - 1)
    ) i_low (
      .clk(clk), .en(en), .clear(1'b0), .rows(rows[LOW*ROW_BITS-1:0]), .lack(lack[LOW-1:0]),
      .sum(low), .lack_q(low_lack)
    );
    sl_csd_sum #(
      .ROWS(HIGH), .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .LEVELS(LEVELS - 1)
    ) i_high (
      .clk(clk), .en(en), .clear(1'b0), .rows(rows[ROWS*ROW_BITS-1:LOW*ROW_BITS]),
      .lack(lack[ROWS-1:LOW]), .sum(high), .lack_q(high_lack)
    );

    // A carry into the lowest place, by a place below it.
    wire signed [LOW_BITS-2*LOW-1:0] carried = low[LOW_BITS-1:2*LOW];
    wire [UPPER:0] upper = {UPPER'(carried), 1'b1} + {UPPER'(high), high_lack};
    wire unused_carry = &{1'b0, upper[0]};
    always_ff @(posedge clk) begin
      if (en) sum <= clear ? '0 : {upper[UPPER:1], low[2*LOW-1:0]};
      if (en) lack_q <= low_lack;
    end
  end

endmodule

`default_nettype wire
