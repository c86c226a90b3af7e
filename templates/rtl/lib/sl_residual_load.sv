// Loads the second operands of a program's sums from memory to queues, ahead of their use.
//
// An instruction reads SEGMENTS segments of BEATS beats, STRIDE apart; segment i goes to queue
// i mod QUEUES. It waits until WAIT stores of the frame are complete. `word_last` marks the words
// that complete an output: those of the last queue.
//
// Fields of an instruction: flags, SRC, BEATS, SEGMENTS, STRIDE, WAIT. Flags: bit 1 ends the
// program, which may be empty.
`default_nettype none

module sl_residual_load #(
  parameter int WORD_BEATS = 1,
  parameter int QUEUES = 1,
  parameter int INSTRUCTIONS = 4,
  localparam int WORD = WORD_BEATS * 64,
  localparam int AW = (INSTRUCTIONS > 1) ? $clog2(INSTRUCTIONS) : 1
) (
  input  wire               clk,
  input  wire               rst,
  input  wire               start,
  output logic              idle,
  input  wire  [31:0]       base,        // byte address of the workspace
  input  wire  [15:0]       stores_done,

  output logic [AW-1:0]     program_addr,
  input  wire  [6*32-1:0]   program_data,

  output logic              cmd_valid,
  input  wire               cmd_ready,
  output logic [31:0]       cmd_addr,
  output logic [31:0]       cmd_beats,
  input  wire  [63:0]       s_tdata,
  input  wire               s_tvalid,
  output logic              s_tready,

  output logic [WORD-1:0]   m_tdata,
  output logic [QUEUES-1:0] m_tvalid,
  input  wire  [QUEUES-1:0] m_tready
);

  localparam int SHIFT = $clog2(WORD_BEATS);
  localparam int QW = (QUEUES > 1) ? $clog2(QUEUES) : 1;

  wire [31:0] flags = program_data[0*32 +: 32];
  wire [31:0] first = program_data[1*32 +: 32];
  wire [31:0] beats = program_data[2*32 +: 32];
  wire [15:0] segments = program_data[3*32 +: 16];
  wire [31:0] stride = program_data[4*32 +: 32];
  wire [15:0] stores = program_data[5*32 +: 16];
  wire [31:0] words = beats >> SHIFT;

  wire valid, done;
  logic running_q;
  wire begins = valid && !running_q && stores_done >= stores;
  sl_program #(.INSTRUCTIONS(INSTRUCTIONS), .LAST(1)) i_program (
    .clk(clk), .rst(rst), .start(start), .addr(program_addr), .flags(flags), .valid(valid),
    .done(done), .idle(idle)
  );
  sl_segments i_segments (
    .clk(clk), .rst(rst), .start(begins), .base(base), .first(first), .beats(beats),
    .count(segments), .stride(stride), .cmd_valid(cmd_valid),
    .cmd_ready(cmd_ready), .cmd_addr(cmd_addr), .cmd_beats(cmd_beats)
  );

  logic [QW-1:0] queue_q;
  logic [31:0] left_q;
  logic [15:0] segment_q;
  wire word_valid;
  wire word_ready = m_tready[queue_q];
  wire take = word_valid && word_ready;
  wire segment_end = take && left_q == 32'd1;
  sl_width #(.IN_ELEMS(1), .OUT_ELEMS(WORD_BEATS), .BITS(64)) i_width (
    .clk(clk), .rst(rst), .s_tdata(s_tdata), .s_tvalid(s_tvalid), .s_tready(s_tready),
    .m_tdata(m_tdata), .m_tvalid(word_valid), .m_tready(word_ready)
  );
  for (genvar q = 0; q < QUEUES; q = q + 1) begin : gen_queue
    assign m_tvalid[q] = word_valid && queue_q == QW'(q);
  end

  assign done = running_q && segment_end && segment_q == 16'd1;
  always_ff @(posedge clk) begin
    if (begins) begin
      left_q <= words;
      segment_q <= segments;
      queue_q <= '0;
    end else if (take) begin
      left_q <= segment_end ? words : left_q - 32'd1;
      if (segment_end) begin
        segment_q <= segment_q - 16'd1;
        queue_q <= (queue_q == QW'(QUEUES - 1)) ? '0 : queue_q + QW'(1);
      end
    end
    if (begins) running_q <= 1'b1;
    else if (done) running_q <= 1'b0;
    if (rst) running_q <= 1'b0;
  end

  wire unused_bits = &{1'b0, program_data};

endmodule

`default_nettype wire
