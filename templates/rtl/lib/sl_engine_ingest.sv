// Input of an engine: the beats of a frame, put together to words of R lanes.
//
//   Lane l of the word (block, pixel) is channel block * R + l of the pixel; 0 beyond the channels.
//
// In: PIXELS pixels a frame, each BEATS beats of E elements. E divides R, or BEATS is 1 and E at
// most R. Out: ceil(E * BEATS / R) words a pixel, block after block, each with its place; `last`
// marks that of a frame.
//
// Latency: a word is valid 1 clock after its last beat, and stays until word_ready. Throughput: a
// beat a clock. s_tready = !word_valid || word_ready.
`default_nettype none

module sl_engine_ingest #(
  parameter int R = 16,      // lanes a word
  parameter int LANE = 8,    // bits a lane and an element
  parameter int E = 4,       // elements a beat
  parameter int BEATS = 6,   // beats a pixel
  parameter int PIXELS = 16, // pixels a frame
  localparam int SLOTS = (BEATS > 1) ? R / E : 1,     // beats a word
  localparam int BLOCKS = (BEATS + SLOTS - 1) / SLOTS, // words a pixel
  localparam int BW = (BLOCKS > 1) ? $clog2(BLOCKS) : 1,
  localparam int PW = (PIXELS > 1) ? $clog2(PIXELS) : 1
) (
  input  wire               clk,
  input  wire               rst,

  input  wire  [E*LANE-1:0] s_tdata,
  input  wire               s_tvalid,
  output logic              s_tready,

  output logic [R*LANE-1:0] word,
  output logic              word_valid,
  input  wire               word_ready,
  output logic [BW-1:0]     word_block,
  output logic [PW-1:0]     word_pixel,
  output logic              word_last
);

  localparam int SW = (SLOTS > 1) ? $clog2(SLOTS) : 1;
  localparam int TAKEN = SLOTS * E * LANE;  // bits of the word that beats reach

  logic [SW-1:0] slot_q;
  logic [BW-1:0] block_q;
  logic [PW-1:0] pixel_q;
  logic [TAKEN-1:0] word_q;

  wire take = s_tvalid && s_tready;
  wire pixel_ends = block_q == BW'(BLOCKS - 1) && slot_q == SW'((BEATS - 1) % SLOTS);
  wire word_ends = pixel_ends || slot_q == SW'(SLOTS - 1);
  wire frame_ends = pixel_ends && pixel_q == PW'(PIXELS - 1);

  assign s_tready = !word_valid || word_ready;
  assign word = (R*LANE)'(word_q);

  for (genvar i = 0; i < SLOTS; i = i + 1) begin : gen_slot
    always_ff @(posedge clk) begin
      if (take && slot_q == SW'(i)) word_q[i*E*LANE +: E*LANE] <= s_tdata;
      else if (take && slot_q == '0) word_q[i*E*LANE +: E*LANE] <= '0;
    end
  end

  always_ff @(posedge clk) begin
    if (s_tready) word_valid <= take && word_ends;
    if (take) begin
      slot_q <= word_ends ? '0 : slot_q + SW'(1);
      word_block <= block_q;
      word_pixel <= pixel_q;
      word_last <= frame_ends;
    end
    if (take && word_ends) block_q <= pixel_ends ? '0 : block_q + BW'(1);
    if (take && pixel_ends) pixel_q <= frame_ends ? '0 : pixel_q + PW'(1);
    if (rst) begin
      word_valid <= 1'b0;
      slot_q <= '0;
      block_q <= '0;
      pixel_q <= '0;
    end
  end

endmodule

`default_nettype wire
