// Stores the results of a program from its queues to memory.
//
// An instruction takes SEGMENTS segments of BEATS beats, STRIDE apart in memory; segment i comes
// out of queue i mod QUEUES. A word is WORD_BEATS beats. `stores_done` counts the instructions of
// this frame whose writes are complete; `start` sets it to 0.
//
// Fields of an instruction: flags, DST, BEATS, SEGMENTS, STRIDE. Flags: bit 1 ends the program.
`default_nettype none

module sl_tile_store #(
  parameter int WORD_BEATS = 1,
  parameter int QUEUES = 1,
  parameter int INSTRUCTIONS = 4,
  localparam int WORD = WORD_BEATS * 64,
  localparam int AW = (INSTRUCTIONS > 1) ? $clog2(INSTRUCTIONS) : 1
) (
  input  wire                    clk,
  input  wire                    rst,
  input  wire                    start,
  output logic                   idle,
  input  wire  [31:0]            base,  // byte address of the workspace
  output logic [15:0]            stores_done,

  output logic [AW-1:0]          program_addr,
  input  wire  [5*32-1:0]        program_data,

  input  wire  [QUEUES*WORD-1:0] s_tdata,
  input  wire  [QUEUES-1:0]      s_tvalid,
  output logic [QUEUES-1:0]      s_tready,

  output logic                   cmd_valid,
  input  wire                    cmd_ready,
  output logic [31:0]            cmd_addr,
  output logic [31:0]            cmd_beats,
  output logic [63:0]            m_tdata,
  output logic                   m_tvalid,
  input  wire                    m_tready,
  input  wire                    write_done  // a command's responses have come
);

  localparam int SHIFT = $clog2(WORD_BEATS);
  localparam int QW = (QUEUES > 1) ? $clog2(QUEUES) : 1;

  wire [31:0] flags = program_data[0*32 +: 32];
  wire [31:0] first = program_data[1*32 +: 32];
  wire [31:0] beats = program_data[2*32 +: 32];
  wire [15:0] segments = program_data[3*32 +: 16];
  wire [31:0] stride = program_data[4*32 +: 32];
  wire [31:0] words = beats >> SHIFT;

  wire valid, done;
  logic running_q;
  wire begins = valid && !running_q;
  sl_program #(.INSTRUCTIONS(INSTRUCTIONS), .LAST(1)) i_program (
    .clk(clk), .rst(rst), .start(start), .addr(program_addr), .flags(flags), .valid(valid),
    .done(done), .idle(idle)
  );
  sl_segments i_segments (
    .clk(clk), .rst(rst), .start(begins), .base(base), .first(first), .beats(beats),
    .count(segments), .stride(stride), .cmd_valid(cmd_valid),
    .cmd_ready(cmd_ready), .cmd_addr(cmd_addr), .cmd_beats(cmd_beats)
  );

  // Words out of the queue whose turn it is, while segments are left to send.
  logic [QW-1:0] queue_q;
  logic [31:0] left_q;
  logic [15:0] sending_q, writing_q;  // segments not sent, not complete
  wire word_ready;
  wire sending = running_q && sending_q != '0;
  wire word_valid = sending && s_tvalid[queue_q];
  wire take = word_valid && word_ready;
  wire segment_end = take && left_q == 32'd1;
  for (genvar q = 0; q < QUEUES; q = q + 1) begin : gen_queue
    assign s_tready[q] = sending && word_ready && queue_q == QW'(q);
  end
  sl_width #(.IN_ELEMS(WORD_BEATS), .OUT_ELEMS(1), .BITS(64)) i_width (
    .clk(clk), .rst(rst), .s_tdata(s_tdata[queue_q*WORD +: WORD]), .s_tvalid(word_valid),
    .s_tready(word_ready), .m_tdata(m_tdata), .m_tvalid(m_tvalid), .m_tready(m_tready)
  );

  assign done = running_q && write_done && writing_q == 16'd1;
  always_ff @(posedge clk) begin
    if (begins) begin
      left_q <= words;
      sending_q <= segments;
      writing_q <= segments;
      queue_q <= '0;
    end else begin
      if (take) left_q <= segment_end ? words : left_q - 32'd1;
      if (segment_end) begin
        sending_q <= sending_q - 16'd1;
        queue_q <= (queue_q == QW'(QUEUES - 1)) ? '0 : queue_q + QW'(1);
      end
      if (write_done) writing_q <= writing_q - 16'd1;
    end
    if (begins) running_q <= 1'b1;
    else if (done) running_q <= 1'b0;
    if (start) stores_done <= '0;
    else if (done) stores_done <= stores_done + 16'd1;
    if (rst) begin
      running_q <= 1'b0;
      stores_done <= '0;
    end
  end

  wire unused_bits = &{1'b0, program_data};

endmodule

`default_nettype wire
