// Dot products on a chain of DSP blocks, PACK outputs in the fields of one wide sum.
//
//   sums = head + sum over o < PACK of 2**(o*FIELD) * (sum over j < GROUP of w[j][o] * x[j])
//   modulo 2**(PACK*FIELD)
//
// Block j multiplies x[j] by A[j] = sum over o of w[j][o] * 2**(o*FIELD) and adds the sum of the
// block before; `head`, a constant, enters the first one. Where it holds 2**(FIELD-1) in every
// field and each dot product of an output stays below that in magnitude, no field borrows of the
// next.
//
// A[j] comes as PACK fields of W_BITS in two's complement, output o at w[(j*PACK+o)*W_BITS +:
// W_BITS]: its bits from o*FIELD up to the next field, which are w[j][o], less 1 where the part of
// A below is negative, with the sign repeated. (PACK-1)*FIELD + W_BITS is at most 25, PACK*FIELD at
// most 48.
//
// Terms come skewed: x[j] and w[j] j enabled clocks after x[0] and w[0]. x is registered twice here
// (the block's own registers), w once: x[j] stands at its port one enabled clock before w[j].
// Latency: GROUP + 2 enabled clocks from x[0]. Throughput: one set of sums an enabled clock.
`default_nettype none

module sl_dsp_chain #(
  parameter int GROUP = 4,     // blocks
  parameter int PACK = 2,      // outputs a block
  parameter int FIELD = 20,    // distance of the outputs in a sum
  parameter int W_BITS = 4,    // width of a weight field
  parameter int X_BITS = 8,    // width of an activation
  parameter int X_SIGNED = 0   // 1: activations are two's complement
) (
  input  wire                          clk,
  input  wire                          en,
  input  wire  [GROUP*X_BITS-1:0]      x,
  input  wire  [GROUP*PACK*W_BITS-1:0] w,
  input  wire  [PACK*FIELD-1:0]        head,
  output logic [PACK*FIELD-1:0]        sums
);

  localparam int A_BITS = (PACK - 1) * FIELD + W_BITS;
  localparam int B_BITS = (X_SIGNED != 0) ? X_BITS : X_BITS + 1;
  localparam int P_BITS = 48;

  // Field j: the sum that block j takes in.
  wire [(GROUP+1)*P_BITS-1:0] link;
  assign link[P_BITS-1:0] = P_BITS'($signed(head));

  for (genvar j = 0; j < GROUP; j = j + 1) begin : gen_block
    wire signed [A_BITS-1:0] a;
    for (genvar o = 0; o < PACK; o = o + 1) begin : gen_field
      localparam int WIDTH = (o == PACK - 1) ? W_BITS : FIELD;
      wire signed [W_BITS-1:0] field = w[(j*PACK+o)*W_BITS +: W_BITS];
      assign a[o*FIELD +: WIDTH] = WIDTH'(field);
    end
    wire sign = (X_SIGNED != 0) && x[(j+1)*X_BITS-1];

    logic signed [B_BITS-1:0] b_q;
    (* use_dsp = "yes" *) logic signed [A_BITS+B_BITS-1:0] m_q;
    logic signed [P_BITS-1:0] p_q;
    wire signed [P_BITS-1:0] p_before = link[j*P_BITS +: P_BITS];
    always_ff @(posedge clk) begin
      if (en) begin
        b_q <= B_BITS'({sign, x[j*X_BITS +: X_BITS]});
        m_q <= a * b_q;
        p_q <= p_before + P_BITS'(m_q);
      end
    end
    assign link[(j+1)*P_BITS +: P_BITS] = p_q;
  end

  assign sums = link[GROUP*P_BITS +: PACK*FIELD];
  if (PACK * FIELD < P_BITS) begin : gen_unused
    wire unused_above = &{1'b0, link[(GROUP+1)*P_BITS-1:GROUP*P_BITS+PACK*FIELD]};
  end

endmodule

`default_nettype wire
