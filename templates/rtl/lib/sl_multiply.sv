// Product of a signed and an unsigned factor plus an addend, in logic or in DSP blocks.
//
//   p = a * b + c, exact; b and c stand at their ports one enabled clock after a, as from a
//   synchronous memory. C_BITS = 0: there is no addend, and c is not read.
//
// USE_DSP = 0: 3a is formed once, each base-4 digit of b selects 0, a, 2a or 3a, a registered tree
// adds the rows (sl_shift_add), and one adder the addend. Latency: 1 + LEVELS enabled clocks, and
// one more with an addend, where LEVELS = clog2(ceil(B_BITS / 2)).
// USE_DSP = 1: one block of 25 x 18 bits where the factors fit, b one bit wider for its sign, or
// two in a row, each with its adder: the factor that is too wide is cut into its low 17 bits and
// the rest. Latency: 4 enabled clocks.
`default_nettype none

module sl_multiply #(
  parameter int A_BITS = 20, // width of the signed factor
  parameter int B_BITS = 8,  // width of the unsigned factor
  parameter int C_BITS = 0,  // width of the signed addend, 0: none
  parameter int USE_DSP = 0,
  localparam int C_PORT = (C_BITS > 0) ? C_BITS : 1,
  localparam int WIDEST = (C_BITS > A_BITS + B_BITS) ? C_BITS : A_BITS + B_BITS,
  localparam int P_BITS = (C_BITS > 0) ? WIDEST + 1 : WIDEST
) (
  input  wire                      clk,
  input  wire                      en,
  input  wire signed [A_BITS-1:0]  a,
  input  wire        [B_BITS-1:0]  b,
  input  wire signed [C_PORT-1:0]  c,
  output logic signed [P_BITS-1:0] p
);

  logic signed [A_BITS-1:0] a_q;
  always_ff @(posedge clk) begin
    if (en) a_q <= a;
  end

  if (USE_DSP != 0) begin : gen_dsp
    sl_multiply_dsp #(.A_BITS(A_BITS), .B_BITS(B_BITS), .P_BITS(P_BITS)) i_blocks (
      .clk(clk), .en(en), .a(a_q), .b(b), .c((C_BITS > 0) ? P_BITS'(c) : '0), .p(p)
    );
  end else begin : gen_rows
    localparam int LEVELS = $clog2((B_BITS + 1) / 2);
    logic signed [A_BITS+1:0] a3_q;
    wire signed [A_BITS+1:0] a_wide = (A_BITS+2)'(a);
    wire signed [A_BITS+B_BITS-1:0] product;
    always_ff @(posedge clk) begin
      if (en) a3_q <= a_wide + (a_wide <<< 1);
    end
    sl_shift_add #(.A_BITS(A_BITS), .B_BITS(B_BITS), .LEVELS(LEVELS)) i_rows (
      .clk(clk), .en(en), .a(a_q), .a3(a3_q), .b(b), .p(product)
    );

    if (C_BITS > 0) begin : gen_addend
      wire signed [C_PORT-1:0] addend;
      sl_delay #(.BITS(C_PORT), .CLOCKS(LEVELS)) i_addend (
        .clk(clk), .en(en), .d(c), .q(addend)
      );
      always_ff @(posedge clk) begin
        if (en) p <= P_BITS'(product) + P_BITS'(addend);
      end
    end else begin : gen_plain
      assign p = product;
      wire unused_addend = &{1'b0, c};
    end
  end

endmodule

`default_nettype wire
