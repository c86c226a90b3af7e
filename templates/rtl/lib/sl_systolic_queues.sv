// Queues of an engine's results, of the second operands of its sums, and their room.
//
// A result word has QUEUES words of R lanes. A convolution fills all queues alike, a pool the one
// of its block, by turns. `claim` reserves room for the `pixels` results of one output tile, which
// come later without a pause, and where the instruction has a residual as many of its words.
// `has_room` says whether the next claim is allowed. An emitted result is one wide beat of sums.
`default_nettype none

module sl_systolic_queues #(
  parameter int WORD = 64,      // bits of a word of R lanes
  parameter int QUEUES = 1,
  parameter int DEPTH = 128,    // results held
  parameter int RES_DEPTH = 64, // residual words held, of a queue
  parameter int SUMS = 192,     // bits of an emitted beat
  parameter int EMIT_DEPTH = 32,
  localparam int CW = $clog2(DEPTH + 1),
  localparam int RW = $clog2(RES_DEPTH + 1) + 1,
  localparam int EW = $clog2(EMIT_DEPTH + 1)
) (
  input  wire                    clk,
  input  wire                    rst,

  input  wire                    is_pool,
  input  wire                    has_residual,
  input  wire                    emits,
  input  wire  [15:0]            pixels,
  input  wire                    begins,     // an instruction begins: pools start with queue 0
  input  wire                    claim,
  output logic                   has_room,

  input  wire                    pool_valid,
  input  wire  [WORD-1:0]        pool_word,
  input  wire                    y_valid,
  input  wire  [QUEUES*WORD-1:0] y,
  output logic [QUEUES*WORD-1:0] store_tdata,
  output logic [QUEUES-1:0]      store_tvalid,
  input  wire  [QUEUES-1:0]      store_tready,

  input  wire  [WORD-1:0]        res_tdata,
  input  wire  [QUEUES-1:0]      res_tvalid,
  output logic [QUEUES-1:0]      res_tready,
  input  wire                    res_take,
  output logic [QUEUES*WORD-1:0] res,

  input  wire                    sums_valid,
  input  wire  [SUMS-1:0]        sums,
  output logic [SUMS-1:0]        m_tdata,
  output logic                   m_tvalid,
  input  wire                    m_tready
);

  localparam int QW = (QUEUES > 1) ? $clog2(QUEUES) : 1;

  // The queue of the pool's next block, and of the words that come out of it.
  logic [QW-1:0] claim_queue_q, pool_queue_q;
  logic [15:0] pool_left_q;
  wire pool_block_ends = pool_valid && pool_left_q == 16'd1;
  function logic [QW-1:0] following(input logic [QW-1:0] queue);
    following = (queue == QW'(QUEUES - 1)) ? '0 : queue + QW'(1);
  endfunction
  always_ff @(posedge clk) begin
    if (begins) claim_queue_q <= '0;
    else if (claim && is_pool) claim_queue_q <= following(claim_queue_q);
    if (begins) pool_queue_q <= '0;
    else if (pool_block_ends) pool_queue_q <= following(pool_queue_q);
    if (begins || pool_block_ends) pool_left_q <= pixels;
    else if (pool_valid) pool_left_q <= pool_left_q - 16'd1;
  end

  wire [QUEUES-1:0] room, at_hand;
  for (genvar q = 0; q < QUEUES; q = q + 1) begin : gen_queue
    // Results held or on their way.
    logic [CW-1:0] owed_q;
    wire pop = store_tvalid[q] && store_tready[q];
    wire claims = claim && !emits && (!is_pool || claim_queue_q == QW'(q));
    wire unused_ready;
    assign room[q] = 16'(owed_q) + pixels <= 16'(DEPTH);
    sl_fifo #(.WIDTH(WORD), .DEPTH(DEPTH)) i_results (
      .clk(clk), .rst(rst),
      .s_tdata(is_pool ? pool_word : y[q*WORD +: WORD]),
      .s_tvalid(y_valid || (pool_valid && pool_queue_q == QW'(q))), .s_tready(unused_ready),
      .m_tdata(store_tdata[q*WORD +: WORD]), .m_tvalid(store_tvalid[q]),
      .m_tready(store_tready[q])
    );

    // Residual words that no claim has taken.
    logic [RW-1:0] left_q;
    wire push = res_tvalid[q] && res_tready[q];
    wire unused_valid;
    assign at_hand[q] = 16'(left_q) >= pixels;
    sl_fifo #(.WIDTH(WORD), .DEPTH(RES_DEPTH)) i_residuals (
      .clk(clk), .rst(rst), .s_tdata(res_tdata), .s_tvalid(res_tvalid[q]),
      .s_tready(res_tready[q]), .m_tdata(res[q*WORD +: WORD]), .m_tvalid(unused_valid),
      .m_tready(res_take)
    );

    always_ff @(posedge clk) begin
      owed_q <= owed_q + (claims ? CW'(pixels) : '0) - CW'(pop);
      left_q <= left_q + RW'(push) - ((claim && has_residual) ? RW'(pixels) : '0);
      if (rst) begin
        owed_q <= '0;
        left_q <= '0;
      end
    end
  end

  logic [EW-1:0] emit_owed_q;
  wire emit_claims = claim && emits;
  wire emit_pop = m_tvalid && m_tready;
  wire unused_emit_ready;
  sl_fifo #(.WIDTH(SUMS), .DEPTH(EMIT_DEPTH)) i_emitted (
    .clk(clk), .rst(rst), .s_tdata(sums), .s_tvalid(sums_valid && emits),
    .s_tready(unused_emit_ready), .m_tdata(m_tdata), .m_tvalid(m_tvalid), .m_tready(m_tready)
  );
  always_ff @(posedge clk) begin
    emit_owed_q <= emit_owed_q + (emit_claims ? EW'(pixels) : '0) - EW'(emit_pop);
    if (rst) emit_owed_q <= '0;
  end

  assign has_room = emits ? 16'(emit_owed_q) + pixels <= 16'(EMIT_DEPTH)
                          : (&room && (!has_residual || &at_hand));

endmodule

`default_nettype wire
