// Multi-threshold activation: counts the ascending thresholds that x has reached.
//
//   y = LO + #{k : x >= T[channel][k]},  k = 0 .. 2**OUT_BITS - 2,  its low OUT_BITS
//
// Binary search, one registered memory and one comparison for each output bit, MSB first. With
// `partial` the l bits that are already known, level l compares with
// T[(2*partial + 1) * 2**(OUT_BITS-1-l) - 1], which the memory of level l and lane holds at address
// fold * 2**l + partial. A threshold beyond the range of IN_BITS cannot be expressed.
//
// Stream: LANES signed values a beat, FOLDS beats a pixel (channel = fold * LANES + lane).
// Memories: synchronous, data one t_en clock after the address. Address and data of level l, lane i
// are field l * LANES + i of t_addr (ADDR_BITS each, upper ones 0) and of t_data (IN_BITS each).
// One enable moves the whole pipeline: s_tready = !m_tvalid || m_tready.
//
// Latency: input beat to output beat OUT_BITS + 1 enabled clocks. Throughput: one beat an enabled
// clock.
`default_nettype none

module sl_thresholds #(
  parameter int LANES = 4,
  parameter int FOLDS = 1,
  parameter int IN_BITS = 20, // width of a value and of a threshold
  parameter int OUT_BITS = 8, // levels of the search
  parameter int LO = 0,
  localparam int FOLD_BITS = $clog2(FOLDS),
  localparam int ADDR_BITS = (FOLD_BITS + OUT_BITS > 1) ? FOLD_BITS + OUT_BITS - 1 : 1
) (
  input  wire                                 clk,
  input  wire                                 rst,

  input  wire  [LANES*IN_BITS-1:0]            s_tdata,
  input  wire                                 s_tvalid,
  output logic                                s_tready,

  output logic                                t_en,
  output logic [OUT_BITS*LANES*ADDR_BITS-1:0] t_addr,
  input  wire  [OUT_BITS*LANES*IN_BITS-1:0]   t_data,

  output logic [LANES*OUT_BITS-1:0]           m_tdata,
  output logic                                m_tvalid,
  input  wire                                 m_tready
);

  wire en = !m_tvalid || m_tready;
  assign s_tready = en;
  assign t_en = en;

  logic [OUT_BITS:0] valid_q;
  always_ff @(posedge clk) begin
    if (rst) valid_q <= '0;
    else if (en) valid_q <= {valid_q[OUT_BITS-1:0], s_tvalid};
  end
  assign m_tvalid = valid_q[OUT_BITS];

  // Field l: the fold of the beat whose address level l sends out.
  localparam int F_BITS = (FOLDS > 1) ? FOLD_BITS : 1;
  logic [OUT_BITS*F_BITS-1:0] fold_q;
  wire [(OUT_BITS+1)*F_BITS-1:0] fold;
  assign fold[(OUT_BITS+1)*F_BITS-1:F_BITS] = fold_q;

  sl_wrap_counter #(.COUNT(FOLDS)) i_fold (
    .clk(clk), .rst(rst), .step(en && s_tvalid), .count(fold[F_BITS-1:0])
  );
  always_ff @(posedge clk) begin
    if (en) fold_q <= fold[OUT_BITS*F_BITS-1:0];
  end

  for (genvar i = 0; i < LANES; i = i + 1) begin : gen_lane
    // Field l: the value that level l takes in, and the bits that the levels before have found.
    logic [OUT_BITS*IN_BITS-1:0] x_q;
    logic [OUT_BITS*OUT_BITS-1:0] partial_q;
    wire [(OUT_BITS+1)*IN_BITS-1:0] x = {x_q, s_tdata[i*IN_BITS +: IN_BITS]};
    wire [(OUT_BITS+1)*OUT_BITS-1:0] partial;
    assign partial[OUT_BITS-1:0] = '0;

    always_ff @(posedge clk) begin
      if (en) begin
        x_q <= x[OUT_BITS*IN_BITS-1:0];
        partial_q <= partial[OUT_BITS*OUT_BITS-1:0];
      end
    end

    for (genvar l = 0; l < OUT_BITS; l = l + 1) begin : gen_level
      localparam int FIELD = l * LANES + i;
      assign t_addr[FIELD*ADDR_BITS +: ADDR_BITS] =
        (ADDR_BITS'(fold[l*F_BITS +: F_BITS]) << l) | ADDR_BITS'(partial[l*OUT_BITS +: OUT_BITS]);

      wire signed [IN_BITS-1:0] value = x_q[l*IN_BITS +: IN_BITS];
      wire signed [IN_BITS-1:0] threshold = t_data[FIELD*IN_BITS +: IN_BITS];
      assign partial[(l+1)*OUT_BITS +: OUT_BITS] =
        (partial_q[l*OUT_BITS +: OUT_BITS] << 1) | OUT_BITS'(value >= threshold);
    end

    logic [OUT_BITS-1:0] y_q;
    always_ff @(posedge clk) begin
      if (en) y_q <= partial[OUT_BITS*OUT_BITS +: OUT_BITS] + OUT_BITS'(LO);
    end
    assign m_tdata[i*OUT_BITS +: OUT_BITS] = y_q;

    wire unused_last = &{1'b0, x[OUT_BITS*IN_BITS +: IN_BITS]};
  end

  wire unused_last_fold = &{1'b0, fold[OUT_BITS*F_BITS +: F_BITS]};

endmodule

`default_nettype wire
