// Picks the words of a pixel in another order; words may be left out or come more than once.
//
//   y[pixel, k] = x[pixel, order[k]],  k < OUT_WORDS
//
// A word is a beat: one element, or elements that stay together. In: pixels of IN_WORDS beats. Out:
// pixels of OUT_WORDS beats. Two pixels are held (ping-pong, sl_ram).
// Memory: synchronous, o_data = order[o_addr] one clock after o_en.
//
// Timing: the first word of a pixel is offered 2 clocks after the last beat of the pixel is
// accepted into an empty buffer. One beat a clock in and out. A beat is accepted while fewer than
// two whole pixels are held; a pixel counts as held until the read of its last word, 1 clock before
// that word is offered. s_tready does not depend on m_tready.
`default_nettype none

module sl_gather #(
  parameter int WIDTH     = 8, // bits a word
  parameter int IN_WORDS  = 4, // words of an input pixel
  parameter int OUT_WORDS = 4, // words of an output pixel
  localparam int IW = (IN_WORDS > 1) ? $clog2(IN_WORDS) : 1,
  localparam int OW = (OUT_WORDS > 1) ? $clog2(OUT_WORDS) : 1
) (
  input  wire              clk,
  input  wire              rst,
  input  wire  [WIDTH-1:0] s_tdata,
  input  wire              s_tvalid,
  output logic             s_tready,

  output logic             o_en,
  output logic [OW-1:0]    o_addr,  // k of the word read in the next clock
  input  wire  [IW-1:0]    o_data,

  output logic [WIDTH-1:0] m_tdata,
  output logic             m_tvalid,
  input  wire              m_tready
);

  logic          w_half_q, r_half_q;  // half of the memory that is written, read
  logic [IW-1:0] w_word;
  logic [OW-1:0] r_word_q, r_word_d;
  logic [1:0]    held_q;              // whole pixels held

  wire ready = !m_tvalid || m_tready;
  wire write = s_tvalid && s_tready;
  wire read  = ready && (held_q != 2'd0);
  wire load  = write && (w_word == IW'(IN_WORDS - 1));
  wire free  = read && (r_word_q == OW'(OUT_WORDS - 1));

  assign s_tready = held_q != 2'd2;
  assign r_word_d = free ? '0 : r_word_q + OW'(read);
  assign o_en     = 1'b1;
  assign o_addr   = r_word_d;

  sl_wrap_counter #(.COUNT(IN_WORDS)) i_write (
    .clk(clk), .rst(rst), .step(write), .count(w_word)
  );

  always_ff @(posedge clk) begin
    if (ready) m_tvalid <= read;
    r_word_q <= r_word_d;
    w_half_q <= w_half_q ^ load;
    r_half_q <= r_half_q ^ free;
    if (load && !free) held_q <= held_q + 2'd1;
    if (free && !load) held_q <= held_q - 2'd1;
    if (rst) begin
      m_tvalid <= 1'b0;
      r_word_q <= '0;
      w_half_q <= 1'b0;
      r_half_q <= 1'b0;
      held_q   <= '0;
    end
  end

  sl_ram #(.WIDTH(WIDTH), .DEPTH(2 << IW)) i_ram (
    .clk(clk),
    .w_en(write), .w_addr({w_half_q, w_word}), .w_data(s_tdata),
    .r_en(read), .r_addr({r_half_q, o_data}), .r_data(m_tdata)
  );

endmodule

`default_nettype wire
