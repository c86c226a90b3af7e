// Reduces a whole window a beat to its maximum or sum: overlapping or padded pooling.
//
//   y[l] = max or sum of x[t,l] over t < TAPS
//
// In: one beat of TAPS*LANES elements of BITS bits, tap-major (what sl_window gives with
// SIMD = KH*KW*C). Out: LANES elements of OUT_BITS bits (BITS for max; a sum needs
// ceil(log2(TAPS)) bits more), signed as the input's.
//
// Timing: a binary tree with a register on every level: an accepted beat is offered STAGES =
// max(1, ceil(log2(TAPS))) clocks later, one beat a clock; one enable (!m_tvalid || m_tready) moves
// all stages and is s_tready.
`default_nettype none

module sl_window_reduce #(
  parameter int TAPS      = 9, // elements reduced to one
  parameter int LANES     = 2, // elements an output beat
  parameter int BITS      = 8, // bits an input element
  parameter int OUT_BITS  = 8, // bits an output element
  parameter int IS_SUM    = 0, // 1: sum, 0: maximum
  parameter int IS_SIGNED = 1  // 1: elements are two's complement, 0: unsigned
) (
  input  wire                        clk,
  input  wire                        rst,
  input  wire  [TAPS*LANES*BITS-1:0] s_tdata,
  input  wire                        s_tvalid,
  output logic                       s_tready,
  output logic [LANES*OUT_BITS-1:0]  m_tdata,
  output logic                       m_tvalid,
  input  wire                        m_tready
);

  localparam int STAGES = (TAPS > 2) ? $clog2(TAPS) : 1;
  localparam int LEAVES = 1 << STAGES;

  // Node 0 is the root, nodes 2n+1 and 2n+2 are reduced to node n; the leaves are the taps.
  logic [(2*LEAVES-1)*LANES*OUT_BITS-1:0] node;
  logic [STAGES-1:0]                      valid_q;

  wire enable = !m_tvalid || m_tready;

  assign s_tready = enable;
  assign m_tvalid = valid_q[STAGES-1];
  assign m_tdata  = node[0 +: LANES*OUT_BITS];

  always_ff @(posedge clk) begin
    if (enable) valid_q <= STAGES'({valid_q, s_tvalid});
    if (rst) valid_q <= '0;
  end

  for (genvar t = 0; t < LEAVES; t++) begin : gen_leaf
    for (genvar i = 0; i < LANES; i++) begin : gen_lane
      if (t < TAPS) begin : gen_tap
        wire [BITS-1:0] x = s_tdata[(t*LANES+i)*BITS +: BITS];
        wire sign = (IS_SIGNED != 0) && x[BITS-1];
        assign node[((LEAVES-1+t)*LANES+i)*OUT_BITS +: OUT_BITS] = OUT_BITS'($signed({sign, x}));
      end else begin : gen_none
        assign node[((LEAVES-1+t)*LANES+i)*OUT_BITS +: OUT_BITS] = '0;
      end
    end
  end

  for (genvar n = 0; n < LEAVES - 1; n++) begin : gen_node
    localparam int SPAN  = LEAVES >> ($clog2(n + 2) - 1);  // leaves below this node
    localparam int FIRST = (n + 1) * SPAN - LEAVES;        // the first of them
    for (genvar i = 0; i < LANES; i++) begin : gen_lane
      wire [OUT_BITS-1:0] left  = node[((2*n+1)*LANES+i)*OUT_BITS +: OUT_BITS];
      wire [OUT_BITS-1:0] right = node[((2*n+2)*LANES+i)*OUT_BITS +: OUT_BITS];
      logic [OUT_BITS-1:0] result_q;
      assign node[(n*LANES+i)*OUT_BITS +: OUT_BITS] = result_q;
      if (FIRST + SPAN / 2 >= TAPS) begin : gen_pass
        wire unused = &{1'b0, right};
        always_ff @(posedge clk) if (enable) result_q <= left;
      end else if (IS_SUM != 0) begin : gen_sum
        always_ff @(posedge clk) if (enable) result_q <= left + right;
      end else begin : gen_max
        wire left_wins = (IS_SIGNED != 0) ? $signed(left) > $signed(right) : left > right;
        always_ff @(posedge clk) if (enable) result_q <= left_wins ? left : right;
      end
    end
  end

endmodule

`default_nettype wire
