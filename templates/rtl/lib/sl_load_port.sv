// Load port: what a host writes over registers goes to the memories that are loaded at run time.
//
//   load = {valid, last, memory, word, data}: a piece of 32 bits for a word of a memory
//
// `start` addresses a word of a memory. Each `push` gives the next piece of the word, the lowest
// first; behind its last piece the next word follows. A push counts only while `held`, and inside
// of the memory: a word is whole, or not written. Otherwise `refused` is high for 1 clock.
//
// held: `hold` keeps frames from starting, and none is under way. It rises at the earliest 16
// clocks after hold, in which a frame that had just started becomes `busy`, and falls with hold.
//
// Timing: load and refused follow a push by 1 clock. `words` and `pieces` describe the memory
// `at_memory`, combinationally: how many words it has, 0 where there is none, and pieces a word.
`default_nettype none

module sl_load_port (
  input  wire         clk,
  input  wire         rst,
  input  wire         hold,
  input  wire         busy,
  output logic        held,
  input  wire         start,
  input  wire  [7:0]  memory,
  input  wire  [19:0] word,
  input  wire         push,
  input  wire  [31:0] data,
  output logic        refused,
  output logic [7:0]  at_memory,
  input  wire  [19:0] words,
  input  wire  [11:0] pieces,
  output logic [61:0] load
);

  logic [19:0] word_q;
  logic [11:0] piece_q;
  logic [3:0]  quiet_q;  // clocks of hold without a frame, up to 15

  assign held = hold && quiet_q == '1;

  always_ff @(posedge clk) begin
    if (rst || !hold || busy) quiet_q <= '0;
    else if (quiet_q != '1) quiet_q <= quiet_q + 4'd1;
  end

  wire take = push && held && word_q < words;
  wire last = piece_q == pieces - 12'd1;

  always_ff @(posedge clk) begin
    if (take) begin
      piece_q <= last ? '0 : piece_q + 12'd1;
      if (last) word_q <= word_q + 20'd1;
    end
    if (start) begin
      at_memory <= memory;
      word_q    <= word;
      piece_q   <= '0;
    end
    if (rst) begin
      at_memory <= '0;
      word_q    <= '0;
      piece_q   <= '0;
    end
    refused <= push && !take && !rst;
    load    <= {take && !rst, last, at_memory, word_q, data};
  end

endmodule

`default_nettype wire
