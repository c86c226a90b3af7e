// Product of a signed and an unsigned factor, without a DSP or with one.
//
//   p = a * b, exact; b stands at its port one enabled clock after a (as from a synchronous memory)
//
// USE_DSP = 0: 3a is formed once, each base-4 digit of b selects 0, a, 2a or 3a, and a registered
// tree adds the rows (sl_shift_add). Latency: 1 + LEVELS enabled clocks, where
// LEVELS = clog2(ceil(B_BITS / 2)).
// USE_DSP = 1: one `*` between registers. Latency: 2 enabled clocks.
`default_nettype none

module sl_multiply #(
  parameter int A_BITS = 20, // width of the signed factor
  parameter int B_BITS = 8,  // width of the unsigned factor
  parameter int USE_DSP = 0,
  localparam int P_BITS = A_BITS + B_BITS
) (
  input  wire                      clk,
  input  wire                      en,
  input  wire signed [A_BITS-1:0]  a,
  input  wire        [B_BITS-1:0]  b,
  output logic signed [P_BITS-1:0] p
);

  logic signed [A_BITS-1:0] a_q;
  always_ff @(posedge clk) begin
    if (en) a_q <= a;
  end

  if (USE_DSP != 0) begin : gen_dsp
    (* use_dsp = "yes" *) logic signed [P_BITS:0] p_q;
    always_ff @(posedge clk) begin
      if (en) p_q <= a_q * $signed({1'b0, b});
    end
    assign p = p_q[P_BITS-1:0];
    wire unused_copy_of_sign = p_q[P_BITS];
  end else begin : gen_rows
    logic signed [A_BITS+1:0] a3_q;
    wire signed [A_BITS+1:0] a_wide = (A_BITS+2)'(a);
    always_ff @(posedge clk) begin
      if (en) a3_q <= a_wide + (a_wide <<< 1);
    end
    sl_shift_add #(.A_BITS(A_BITS), .B_BITS(B_BITS), .LEVELS($clog2((B_BITS + 1) / 2))) i_rows (
      .clk(clk), .en(en), .a(a_q), .a3(a3_q), .b(b), .p(p)
    );
  end

endmodule

`default_nettype wire
