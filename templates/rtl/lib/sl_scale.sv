// A value times a constant plus a constant, by a table for each 4 bits of the value and additions.
//
//   p = m * x + c, exact; m and c do not change: as constants they vanish in the tables
//
// Without a level, x is one digit and p a word of its table, unregistered. With LEVELS > 0, x is
// cut into 4 * 2**(LEVELS-1) low bits and the rest; both come from the module itself with one level
// less, the low part with c, and their sum is registered.
//
// Latency: LEVELS enabled clocks. Throughput: one value an enabled clock.
`default_nettype none

module sl_scale #(
  parameter int X_BITS = 8,   // width of the value, at most 4 * 2**LEVELS
  parameter int X_SIGNED = 0, // 1: the value is two's complement
  parameter int M_BITS = 16,  // width of the signed factor
  parameter int C_BITS = 0,   // width of the signed addend, 0: none
  parameter int LEVELS = 1,   // registered additions
  localparam int C_PORT = (C_BITS > 0) ? C_BITS : 1,
  localparam int BITS = M_BITS + X_BITS + ((X_SIGNED != 0) ? 0 : 1),  // of the product
  localparam int P_BITS = (C_BITS == 0) ? BITS : ((C_BITS > BITS) ? C_BITS : BITS) + 1
) (
  input  wire                      clk,
  input  wire                      en,
  input  wire        [X_BITS-1:0]  x,
  input  wire signed [M_BITS-1:0]  m,
  input  wire signed [C_PORT-1:0]  c,
  output logic signed [P_BITS-1:0] p
);

  localparam int LOW = 2 << LEVELS;  // low bits of x, when there is a level
  wire signed [P_BITS-1:0] addend = (C_BITS > 0) ? P_BITS'(c) : '0;

  if (LEVELS == 0) begin : gen_table
    localparam int WORDS = 1 << X_BITS;
    localparam int LEAST = (X_SIGNED != 0) ? -(WORDS / 2) : 0;
    always_comb begin
      p = '0;
      for (int i = LEAST; i < LEAST + WORDS; i = i + 1) begin
        if (x == X_BITS'(i)) p = addend + P_BITS'(m) * P_BITS'(i);
      end
    end
    wire unused_control = &{1'b0, clk, en, c};
  end else if (X_BITS <= LOW) begin : gen_delay
    wire signed [P_BITS-1:0] low;
    sl_scale #(
      .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .M_BITS(M_BITS), .C_BITS(C_BITS), .LEVELS(LEVELS - 1)
    ) i_low (
      .clk(clk), .en(en), .x(x), .m(m), .c(c), .p(low)
    );
    always_ff @(posedge clk) begin
      if (en) p <= low;
    end
    wire unused_addend = &{1'b0, addend};
  end else begin : gen_level
    localparam int LOW_PRODUCT = M_BITS + LOW + 1;
    localparam int LOW_BITS =
      (C_BITS == 0) ? LOW_PRODUCT : ((C_BITS > LOW_PRODUCT) ? C_BITS : LOW_PRODUCT) + 1;
    wire signed [LOW_BITS-1:0] low;
    wire signed [BITS-LOW-1:0] high;
    sl_scale #(
      .X_BITS(LOW), .X_SIGNED(0), .M_BITS(M_BITS), .C_BITS(C_BITS), .LEVELS(LEVELS - 1)
    ) i_low (
      .clk(clk), .en(en), .x(x[LOW-1:0]), .m(m), .c(c), .p(low)
    );
    sl_scale #(
      .X_BITS(X_BITS - LOW), .X_SIGNED(X_SIGNED), .M_BITS(M_BITS), .C_BITS(0), .LEVELS(LEVELS - 1)
    ) i_high (
      .clk(clk), .en(en), .x(x[X_BITS-1:LOW]), .m(m), .c(1'b0), .p(high)
    );
    wire signed [LOW_BITS-LOW-1:0] carried = low[LOW_BITS-1:LOW];
    always_ff @(posedge clk) begin
      if (en) p <= {(P_BITS-LOW)'(high) + (P_BITS-LOW)'(carried), low[LOW-1:0]};
    end
    wire unused_addend = &{1'b0, addend};
  end

endmodule

`default_nettype wire
