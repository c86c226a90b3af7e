// Loads the tiles of a program from memory to two buffers, in turns.
//
// A tile is SEGMENTS segments of BEATS beats, STRIDE apart in memory, PITCH words apart in the
// buffer; a word is WORD_BEATS beats. It is loaded when its buffer is free (`tile_done` frees the
// older one) and WAIT stores of the frame are complete. `loaded` counts the segments in place, of
// the tile in buffer 0 in the low half.
//
// Fields of an instruction: flags, SRC, BEATS, SEGMENTS, STRIDE, WAIT, PITCH. Flags: bit 0 adds
// in_offset to SRC, bit 1 ends the program, bit 2 says that the input map is not read again.
`default_nettype none

module sl_tile_load #(
  parameter int WORD_BEATS = 1,    // beats a word, a power of two
  parameter int BUFFER = 64,       // words of a buffer, a power of two from 2 on
  parameter int INSTRUCTIONS = 4,
  localparam int BW = $clog2(BUFFER),
  localparam int AW = (INSTRUCTIONS > 1) ? $clog2(INSTRUCTIONS) : 1
) (
  input  wire                     clk,
  input  wire                     rst,
  input  wire                     start,
  output logic                    idle,
  input  wire  [31:0]             base,        // byte address of the workspace
  input  wire  [31:0]             in_offset,   // beats
  input  wire  [15:0]             stores_done, // of this frame
  input  wire                     tile_done,
  output logic                    input_free,  // one clock

  output logic [AW-1:0]           program_addr,
  input  wire  [7*32-1:0]         program_data,

  output logic                    cmd_valid,
  input  wire                     cmd_ready,
  output logic [31:0]             cmd_addr,
  output logic [31:0]             cmd_beats,
  input  wire  [63:0]             s_tdata,
  input  wire                     s_tvalid,
  output logic                    s_tready,

  output logic                    w_en,
  output logic [BW:0]             w_addr,      // the top bit picks the buffer
  output logic [WORD_BEATS*64-1:0] w_data,
  output logic [31:0]             loaded
);

  localparam int SHIFT = $clog2(WORD_BEATS);

  wire [31:0] flags = program_data[0*32 +: 32];
  wire [31:0] first = program_data[1*32 +: 32];
  wire [31:0] beats = program_data[2*32 +: 32];
  wire [15:0] segments = program_data[3*32 +: 16];
  wire [31:0] stride = program_data[4*32 +: 32];
  wire [15:0] stores = program_data[5*32 +: 16];
  wire [BW-1:0] pitch = program_data[6*32 +: BW];
  wire [31:0] words = beats >> SHIFT;

  wire valid, done;
  sl_program #(.INSTRUCTIONS(INSTRUCTIONS), .LAST(1)) i_program (
    .clk(clk), .rst(rst), .start(start), .addr(program_addr), .flags(flags), .valid(valid),
    .done(done), .idle(idle)
  );

  logic running_q, buffer_q;
  logic [1:0] taken_q;  // buffers with a tile, or that get one
  wire begins = valid && !running_q && taken_q != 2'd2 && stores_done >= stores;
  sl_segments i_segments (
    .clk(clk), .rst(rst), .start(begins), .base(base),
    .first(first + (flags[0] ? in_offset : 32'd0)), .beats(beats), .count(segments),
    .stride(stride), .cmd_valid(cmd_valid), .cmd_ready(cmd_ready),
    .cmd_addr(cmd_addr), .cmd_beats(cmd_beats)
  );

  wire word_valid;
  wire [WORD_BEATS*64-1:0] word;
  sl_width #(.IN_ELEMS(1), .OUT_ELEMS(WORD_BEATS), .BITS(64)) i_width (
    .clk(clk), .rst(rst), .s_tdata(s_tdata), .s_tvalid(s_tvalid), .s_tready(s_tready),
    .m_tdata(word), .m_tvalid(word_valid), .m_tready(1'b1)
  );

  logic [31:0] left_q;      // words of the segment
  logic [15:0] segment_q;   // segments to come
  logic [BW-1:0] row_q, at_q;
  wire segment_end = word_valid && left_q == 32'd1;
  assign done = running_q && segment_end && segment_q == 16'd1;
  assign w_en = word_valid;
  assign w_addr = {buffer_q, at_q};
  assign w_data = word;

  always_ff @(posedge clk) begin
    if (begins) begin
      left_q <= words;
      segment_q <= segments;
      row_q <= '0;
      at_q <= '0;
    end else if (segment_end) begin
      left_q <= words;
      segment_q <= segment_q - 16'd1;
      row_q <= row_q + pitch;
      at_q <= row_q + pitch;
    end else if (word_valid) begin
      left_q <= left_q - 32'd1;
      at_q <= at_q + BW'(1);
    end
    if (begins) running_q <= 1'b1;
    else if (done) running_q <= 1'b0;
    if (done) buffer_q <= !buffer_q;
    taken_q <= taken_q + 2'(begins) - 2'(tile_done);
    input_free <= done && flags[2] && !rst;
    if (rst) begin
      running_q <= 1'b0;
      buffer_q <= 1'b0;
      taken_q <= '0;
    end
  end

  // Segments in place: those of a tile that is done do not count for the next one.
  logic oldest_q;  // buffer of the oldest tile
  always_ff @(posedge clk) begin
    if (segment_end) loaded[buffer_q*16 +: 16] <= loaded[buffer_q*16 +: 16] + 16'd1;
    if (tile_done) begin
      loaded[oldest_q*16 +: 16] <= '0;
      oldest_q <= !oldest_q;
    end
    if (rst) begin
      loaded <= '0;
      oldest_q <= 1'b0;
    end
  end

  wire unused_bits = &{1'b0, program_data};

endmodule

`default_nettype wire
