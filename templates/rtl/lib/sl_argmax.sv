// Index of the largest element of a pixel, the first of equal ones.
//
//   y = min {c : x[c] = max x},  c < FOLDS * LANES
//
// Stream: LANES elements a beat, FOLDS beats a pixel (c = fold * LANES + lane); out one index of
// OUT_BITS >= clog2(FOLDS * LANES) bits a pixel.
//
// Latency: clog2(LANES) + 1 enabled clocks from the last beat of a pixel. One beat a clock in,
// always; one enable (!m_tvalid || m_tready) moves all stages and is s_tready.
`default_nettype none

module sl_argmax #(
  parameter int LANES     = 2, // elements a beat
  parameter int FOLDS     = 5, // beats a pixel
  parameter int BITS      = 8, // bits an element
  parameter int OUT_BITS  = 8, // bits of the index
  parameter int IS_SIGNED = 1  // 1: elements are two's complement, 0: unsigned
) (
  input  wire                   clk,
  input  wire                   rst,
  input  wire  [LANES*BITS-1:0] s_tdata,
  input  wire                   s_tvalid,
  output logic                  s_tready,
  output logic [OUT_BITS-1:0]   m_tdata,
  output logic                  m_tvalid,
  input  wire                   m_tready
);

  localparam int STAGES = $clog2(LANES);
  localparam int LEAVES = 1 << STAGES;
  localparam int LW     = (STAGES > 0) ? STAGES : 1;
  localparam int NODE   = LW + BITS;  // a lane and its element, compared as unsigned
  localparam int FW     = (FOLDS > 1) ? $clog2(FOLDS) : 1;

  // Node 0 is the root, of nodes 2n+1 and 2n+2 the larger becomes node n; the leaves are the lanes.
  wire  [(2*LEAVES-1)*NODE-1:0] node;
  wire  [STAGES:0]              valid;  // of the beat in each level, the input's in bit 0

  wire enable = !m_tvalid || m_tready;

  assign s_tready = enable;
  assign valid[0] = s_tvalid;

  for (genvar l = 0; l < LEAVES; l = l + 1) begin : gen_leaf
    if (l < LANES) begin : gen_lane
      assign node[(LEAVES-1+l)*NODE +: NODE] = {
        LW'(l), s_tdata[l*BITS +: BITS] ^ (BITS'(IS_SIGNED != 0) << (BITS - 1))
      };
    end else begin : gen_none
      assign node[(LEAVES-1+l)*NODE +: NODE] = '0;
    end
  end

  for (genvar n = 0; n < LEAVES - 1; n = n + 1) begin : gen_node
    wire  [NODE-1:0] left  = node[(2*n+1)*NODE +: NODE];
    wire  [NODE-1:0] right = node[(2*n+2)*NODE +: NODE];
    logic [NODE-1:0] larger_q;
    assign node[n*NODE +: NODE] = larger_q;
    wire right_wins = right[BITS-1:0] > left[BITS-1:0];
    always_ff @(posedge clk) if (enable) larger_q <= right_wins ? right : left;
  end

  for (genvar k = 0; k < STAGES; k = k + 1) begin : gen_valid
    logic valid_q;
    assign valid[k+1] = valid_q;
    always_ff @(posedge clk) begin
      if (rst) valid_q <= 1'b0;
      else if (enable) valid_q <= valid[k];
    end
  end

  logic [FW-1:0]       fold;
  logic [OUT_BITS-1:0] base_q;  // fold * LANES
  logic [BITS-1:0]     best_q;  // the largest so far; m_tdata is where it stands

  wire [LW-1:0]   lane = node[BITS +: LW];
  wire [BITS-1:0] x    = node[0 +: BITS];
  wire            last = fold == FW'(FOLDS - 1);

  sl_wrap_counter #(.COUNT(FOLDS)) i_fold (
    .clk(clk), .rst(rst), .step(enable && valid[STAGES]), .count(fold)
  );

  always_ff @(posedge clk) begin
    if (enable && valid[STAGES]) begin
      base_q <= last ? '0 : base_q + OUT_BITS'(LANES);
      if ((fold == '0) || (x > best_q)) begin
        best_q  <= x;
        m_tdata <= base_q + OUT_BITS'(lane);
      end
    end
    if (enable) m_tvalid <= valid[STAGES] && last;
    if (rst) begin
      base_q   <= '0;
      m_tvalid <= 1'b0;
    end
  end

endmodule

`default_nettype wire
