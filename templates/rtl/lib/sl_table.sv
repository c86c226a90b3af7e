// A function by its table: y = T[x], one table for all channels or one for each.
//
//   y = T[x mod 2**IN_BITS], or T[fold][lane][x mod 2**IN_BITS] with PER_CHANNEL
//
// Stream: LANES values a beat, FOLDS beats a pixel (channel = fold * LANES + lane).
// Memory: synchronous, one a lane, data one t_en clock after the address. Address and data of lane
// l are field l of t_addr (ADDR_BITS each: x, above it the fold with PER_CHANNEL) and of t_data.
//
// Latency: 1 enabled clock, the word of the memory is the output. Throughput: one beat an enabled
// clock; one enable (!m_tvalid || m_tready) is s_tready.
`default_nettype none

module sl_table #(
  parameter int LANES       = 4,
  parameter int FOLDS       = 1,
  parameter int IN_BITS     = 8, // width of a value
  parameter int OUT_BITS    = 8, // width of a table's word
  parameter int PER_CHANNEL = 0, // 1: a table for each channel, 0: one for all
  localparam int ADDR_BITS = IN_BITS + ((PER_CHANNEL != 0) ? $clog2(FOLDS) : 0)
) (
  input  wire                        clk,
  input  wire                        rst,
  input  wire  [LANES*IN_BITS-1:0]   s_tdata,
  input  wire                        s_tvalid,
  output logic                       s_tready,

  output logic                       t_en,
  output logic [LANES*ADDR_BITS-1:0] t_addr,
  input  wire  [LANES*OUT_BITS-1:0]  t_data,

  output logic [LANES*OUT_BITS-1:0]  m_tdata,
  output logic                       m_tvalid,
  input  wire                        m_tready
);

  localparam int TABLES = (PER_CHANNEL != 0) ? FOLDS : 1;
  localparam int FW = (TABLES > 1) ? $clog2(TABLES) : 1;

  logic [FW-1:0] fold;  // which table of its lane

  wire enable = !m_tvalid || m_tready;

  assign s_tready = enable;
  assign t_en     = enable;
  assign m_tdata  = t_data;

  sl_wrap_counter #(.COUNT(TABLES)) i_fold (
    .clk(clk), .rst(rst), .step(enable && s_tvalid), .count(fold)
  );

  for (genvar l = 0; l < LANES; l = l + 1) begin : gen_lane
    assign t_addr[l*ADDR_BITS +: ADDR_BITS] = ADDR_BITS'({fold, s_tdata[l*IN_BITS +: IN_BITS]});
  end

  always_ff @(posedge clk) begin
    if (rst) m_tvalid <= 1'b0;
    else if (enable) m_tvalid <= s_tvalid;
  end

endmodule

`default_nettype wire
