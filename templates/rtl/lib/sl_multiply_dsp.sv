// Product of a signed and an unsigned factor plus an addend, in one or two DSP blocks.
//
//   p = a * b + c, exact
//
// One block where a and b fit 25 x 18 bits or 18 x 25, b one bit wider for its sign; else the wider
// one is cut into its low 17 bits and the rest: the first block multiplies the low part and adds c,
// the second the rest, and adds the first's sum without its low 17 bits.
//
// Latency: 3 enabled clocks. Throughput: one product an enabled clock.
`default_nettype none

module sl_multiply_dsp #(
  parameter int A_BITS = 20,  // width of the signed factor
  parameter int B_BITS = 8,   // width of the unsigned factor
  parameter int P_BITS = 28   // width of the addend and of the result, which fits
) (
  input  wire                      clk,
  input  wire                      en,
  input  wire signed [A_BITS-1:0]  a,
  input  wire        [B_BITS-1:0]  b,
  input  wire signed [P_BITS-1:0]  c,
  output logic signed [P_BITS-1:0] p
);

  localparam int CUT = 17;
  localparam int FITS = ((A_BITS <= 25 && B_BITS <= 17) || (A_BITS <= 18 && B_BITS <= 24)) ? 1 : 0;
  localparam int CUTS_B = (A_BITS <= 25) ? 1 : 0;  // else a is cut

  logic signed [P_BITS-1:0] c_q;
  always_ff @(posedge clk) begin
    if (en) c_q <= c;
  end

  if (FITS != 0) begin : gen_one
    logic signed [A_BITS-1:0] a_q;
    logic signed [B_BITS:0] b_q;
    (* use_dsp = "yes" *) logic signed [A_BITS+B_BITS-1:0] m_q;
    logic signed [P_BITS-1:0] c_again_q;
    always_ff @(posedge clk) begin
      if (en) begin
        a_q <= a;
        b_q <= $signed({1'b0, b});
        m_q <= a_q * b_q;
        c_again_q <= c_q;
        p <= P_BITS'(m_q) + c_again_q;
      end
    end
  end else begin : gen_two
    localparam int A0 = (CUTS_B != 0) ? A_BITS : CUT + 1;
    localparam int B0 = (CUTS_B != 0) ? CUT + 1 : B_BITS + 1;
    localparam int A1 = (CUTS_B != 0) ? A_BITS : A_BITS - CUT;
    localparam int B1 = (CUTS_B != 0) ? B_BITS - CUT + 1 : B_BITS + 1;
    wire signed [A0-1:0] a_low;
    wire signed [B0-1:0] b_low;
    logic signed [A1-1:0] a_high_q;
    logic signed [B1-1:0] b_high_q;
    if (CUTS_B != 0) begin : gen_cut_b
      assign a_low = a;
      assign b_low = $signed({1'b0, b[CUT-1:0]});
      always_ff @(posedge clk) begin
        if (en) a_high_q <= a;
        if (en) b_high_q <= $signed({1'b0, b[B_BITS-1:CUT]});
      end
    end else begin : gen_cut_a
      assign a_low = $signed({1'b0, a[CUT-1:0]});
      assign b_low = $signed({1'b0, b});
      always_ff @(posedge clk) begin
        if (en) a_high_q <= a[A_BITS-1:CUT];
        if (en) b_high_q <= $signed({1'b0, b});
      end
    end

    (* use_dsp = "yes" *) logic signed [A0+B0-2:0] m_low_q;
    (* use_dsp = "yes" *) logic signed [A1+B1-2:0] m_high_q;
    logic signed [P_BITS-1:0] low_q;
    logic signed [P_BITS-CUT-1:0] high_q;
    logic [CUT-1:0] bits_q;
    always_ff @(posedge clk) begin
      if (en) begin
        m_low_q <= a_low * b_low;
        low_q <= P_BITS'(m_low_q) + c_q;
        m_high_q <= a_high_q * b_high_q;
        high_q <= (P_BITS-CUT)'(m_high_q) + $signed(low_q[P_BITS-1:CUT]);
        bits_q <= low_q[CUT-1:0];
      end
    end
    assign p = {high_q, bits_q};
  end

endmodule

`default_nettype wire
