// Writes the input frames of an engine to memory, one ahead: to two regions in turns.
//
// Word (block, pixel) goes to FIRST + (block * PIXELS + pixel) * WORD_BEATS beats, in every other
// frame STRIDE further. A frame is taken while fewer than two are held; `complete` says that one is
// in memory, `release_one` that the oldest is not read any more.
`default_nettype none

module sl_map_ingest #(
  parameter int R = 8,       // lanes a word, of 8 bits: whole beats
  parameter int E = 3,       // elements a beat of the stream
  parameter int BEATS = 1,   // beats a pixel
  parameter int PIXELS = 16, // pixels a frame
  parameter int FIRST = 0,   // beats
  parameter int STRIDE = 0,  // beats
  parameter int BLOCKS = 1   // words a pixel
) (
  input  wire           clk,
  input  wire           rst,
  input  wire  [31:0]   base,  // byte address of the workspace
  input  wire  [E*8-1:0] s_tdata,
  input  wire           s_tvalid,
  output logic          s_tready,

  output logic          cmd_valid,
  input  wire           cmd_ready,
  output logic [31:0]   cmd_addr,
  output logic [31:0]   cmd_beats,
  output logic [63:0]   m_tdata,
  output logic          m_tvalid,
  input  wire           m_tready,
  input  wire           write_done,  // a command's responses have come

  output logic          complete,
  input  wire           release_one
);

  localparam int WORD_BEATS = R / 8;
  localparam int COMMANDS = (BLOCKS == 1) ? 1 : BLOCKS * PIXELS;  // a frame
  localparam int COMMAND_BEATS = (BLOCKS == 1) ? PIXELS * WORD_BEATS : WORD_BEATS;
  localparam int NW = $clog2(COMMANDS + 1);
  localparam int BW = (BLOCKS > 1) ? $clog2(BLOCKS) : 1;
  localparam int PW = (PIXELS > 1) ? $clog2(PIXELS) : 1;

  logic [1:0] held_q;     // frames in memory or under way there
  logic taking_q;         // words of a frame are taken
  logic odd_q;            // its region
  logic [NW-1:0] open_q;  // commands of the frame that are not complete
  wire [R*8-1:0] word;
  wire word_valid, word_ready, word_last;
  wire [BW-1:0] block;
  wire [PW-1:0] pixel;
  sl_engine_ingest #(.R(R), .LANE(8), .E(E), .BEATS(BEATS), .PIXELS(PIXELS)) i_words (
    .clk(clk), .rst(rst), .s_tdata(s_tdata), .s_tvalid(s_tvalid), .s_tready(s_tready),
    .word(word), .word_valid(word_valid), .word_ready(word_ready), .word_block(block),
    .word_pixel(pixel), .word_last(word_last)
  );

  wire begins = !taking_q && open_q == '0 && held_q != 2'd2 && word_valid;

  wire [31:0] region = base + 32'(FIRST * 8) + (odd_q ? 32'(STRIDE * 8) : '0);
  wire beats_ready;
  assign cmd_beats = 32'(COMMAND_BEATS);
  if (BLOCKS == 1) begin : gen_frame
    // One command a frame, ahead of its words.
    logic asked_q;
    assign cmd_valid = taking_q && !asked_q;
    assign cmd_addr = region;
    assign word_ready = taking_q && beats_ready;
    always_ff @(posedge clk) asked_q <= taking_q && !rst && (asked_q || cmd_ready);
    wire unused_place = &{1'b0, block, pixel};
  end else begin : gen_word
    // One command a word, which waits for it.
    logic asked_q;
    assign cmd_valid = taking_q && word_valid && !asked_q;
    assign cmd_addr = region + 32'(WORD_BEATS * 8) * (32'(block) * 32'(PIXELS) + 32'(pixel));
    assign word_ready = asked_q && beats_ready;
    always_ff @(posedge clk) begin
      if (cmd_valid && cmd_ready) asked_q <= 1'b1;
      else if (word_valid && word_ready) asked_q <= 1'b0;
      if (rst) asked_q <= 1'b0;
    end
  end

  wire taken = word_valid && word_ready;
  sl_width #(.IN_ELEMS(WORD_BEATS), .OUT_ELEMS(1), .BITS(64)) i_width (
    .clk(clk), .rst(rst), .s_tdata(word), .s_tvalid(taken), .s_tready(beats_ready),
    .m_tdata(m_tdata), .m_tvalid(m_tvalid), .m_tready(m_tready)
  );

  always_ff @(posedge clk) begin
    if (begins) taking_q <= 1'b1;
    else if (taken && word_last) taking_q <= 1'b0;
    if (begins) open_q <= NW'(COMMANDS);
    else if (write_done) open_q <= open_q - NW'(1);
    complete <= write_done && open_q == NW'(1) && !rst;
    if (write_done && open_q == NW'(1)) odd_q <= !odd_q;
    held_q <= held_q + 2'(begins) - 2'(release_one);
    if (rst) begin
      taking_q <= 1'b0;
      open_q <= '0;
      odd_q <= 1'b0;
      held_q <= '0;
    end
  end

endmodule

`default_nettype wire
