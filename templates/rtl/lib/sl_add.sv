// Sum of two streams, each scaled, with an offset, a shift, rounding and saturation.
//
//   y = clip(round_half_even((m1 * a + m2 * b + c) / 2**SHIFT) + ZERO, LO, HI), its low OUT_BITS
//
// Stream: LANES elements a beat, a at s0, b at s1; a beat is taken from both at once.
// Memory: one word {c, m2, m1} of signed constants, C_BITS, M_BITS and M_BITS wide; k_en and k_addr
// only complete the port.
// One enable moves the whole pipeline: s0_tready = s1_tvalid && (!m_tvalid || m_tready), and s1 so.
//
// Latency: input beats to output beat LATENCY enabled clocks: 7 with DSP blocks, else 4 + LEVELS,
// where LEVELS = clog2(ceil(max(A_BITS, B_BITS) / 4)). Throughput: one beat an enabled clock.
`default_nettype none

module sl_add #(
  parameter int LANES = 2,
  parameter int A_BITS = 8,
  parameter int A_SIGNED = 0, // 1: a is two's complement
  parameter int B_BITS = 8,
  parameter int B_SIGNED = 0, // 1: b is two's complement
  parameter int M_BITS = 16,  // width of m1 and of m2, with DSP blocks at most 25
  parameter int C_BITS = 26,  // width of c
  parameter int SHIFT = 14,
  parameter int OUT_BITS = 8, // width of an output field
  parameter int LO = 0,
  parameter int HI = 255,
  parameter int ZERO = 0,
  parameter int USE_DSP = 0   // 1: two DSP blocks a lane; 0: tables and additions
) (
  input  wire                       clk,
  input  wire                       rst,

  input  wire  [LANES*A_BITS-1:0]   s0_tdata,
  input  wire                       s0_tvalid,
  output logic                      s0_tready,

  input  wire  [LANES*B_BITS-1:0]   s1_tdata,
  input  wire                       s1_tvalid,
  output logic                      s1_tready,

  output logic                      k_en,
  output logic                      k_addr,
  input  wire  [C_BITS+2*M_BITS-1:0] k_data,

  output logic [LANES*OUT_BITS-1:0] m_tdata,
  output logic                      m_tvalid,
  input  wire                       m_tready
);

  localparam int A_WIDE = (A_SIGNED != 0) ? A_BITS : A_BITS + 1;  // with a sign
  localparam int B_WIDE = (B_SIGNED != 0) ? B_BITS : B_BITS + 1;
  localparam int X_BITS = (A_WIDE > B_WIDE) ? A_WIDE : B_WIDE;
  localparam int P_BITS = ((M_BITS + X_BITS > C_BITS) ? M_BITS + X_BITS : C_BITS) + 2;
  localparam int LEVELS = $clog2((((A_BITS > B_BITS) ? A_BITS : B_BITS) + 3) / 4);
  localparam int LATENCY = (USE_DSP != 0) ? 7 : 4 + LEVELS;

  wire en = !m_tvalid || m_tready;
  assign s0_tready = en && s1_tvalid;
  assign s1_tready = en && s0_tvalid;
  assign k_en = 1'b1;
  assign k_addr = 1'b0;

  logic [LATENCY-1:0] valid_q;
  always_ff @(posedge clk) begin
    if (rst) valid_q <= '0;
    else if (en) valid_q <= {valid_q[LATENCY-2:0], s0_tvalid && s1_tvalid};
  end
  assign m_tvalid = valid_q[LATENCY-1];

  wire signed [M_BITS-1:0] m1 = k_data[M_BITS-1:0];
  wire signed [M_BITS-1:0] m2 = k_data[2*M_BITS-1:M_BITS];
  wire signed [C_BITS-1:0] c = k_data[2*M_BITS +: C_BITS];

  for (genvar l = 0; l < LANES; l = l + 1) begin : gen_lane
    wire [A_BITS-1:0] a = s0_tdata[l*A_BITS +: A_BITS];
    wire [B_BITS-1:0] b = s1_tdata[l*B_BITS +: B_BITS];
    wire signed [P_BITS-1:0] sum;

    if (USE_DSP != 0) begin : gen_dsp
      wire signed [A_WIDE-1:0] a_wide = A_WIDE'({(A_SIGNED != 0) && a[A_BITS-1], a});
      wire signed [B_WIDE-1:0] b_wide = B_WIDE'({(B_SIGNED != 0) && b[B_BITS-1], b});
      wire [X_BITS-1:0] b_late;
      sl_delay #(.BITS(X_BITS), .CLOCKS(1)) i_skew (
        .clk(clk), .en(en), .d(X_BITS'(b_wide)), .q(b_late)
      );
      sl_dsp_chain #(
        .GROUP(2), .PACK(1), .FIELD(P_BITS), .W_BITS(M_BITS), .X_BITS(X_BITS), .X_SIGNED(1)
      ) i_chain (
        .clk(clk), .en(en), .x({b_late, X_BITS'(a_wide)}), .w({m2, m1}), .head(P_BITS'(c)),
        .sums(sum)
      );
    end else begin : gen_tables
      localparam int A_PRODUCT = M_BITS + A_WIDE;
      localparam int A_SUM = ((C_BITS > A_PRODUCT) ? C_BITS : A_PRODUCT) + 1;
      wire signed [A_SUM-1:0] a_scaled;
      wire signed [M_BITS+B_WIDE-1:0] b_scaled;
      logic signed [P_BITS-1:0] sum_q;
      sl_scale #(
        .X_BITS(A_BITS), .X_SIGNED(A_SIGNED), .M_BITS(M_BITS), .C_BITS(C_BITS), .LEVELS(LEVELS)
      ) i_a (
        .clk(clk), .en(en), .x(a), .m(m1), .c(c), .p(a_scaled)
      );
      sl_scale #(
        .X_BITS(B_BITS), .X_SIGNED(B_SIGNED), .M_BITS(M_BITS), .C_BITS(0), .LEVELS(LEVELS)
      ) i_b (
        .clk(clk), .en(en), .x(b), .m(m2), .c(1'b0), .p(b_scaled)
      );
      always_ff @(posedge clk) begin
        if (en) sum_q <= P_BITS'(a_scaled) + P_BITS'(b_scaled);
      end
      assign sum = sum_q;
    end

    sl_round_clip #(
      .P_BITS(P_BITS), .SHIFT(SHIFT), .OUT_BITS(OUT_BITS), .LO(LO), .HI(HI), .ZERO(ZERO)
    ) i_round (
      .clk(clk), .en(en), .p(sum), .y(m_tdata[l*OUT_BITS +: OUT_BITS])
    );
  end

endmodule

`default_nettype wire
