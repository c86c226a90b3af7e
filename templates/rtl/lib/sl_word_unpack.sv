// Takes the beats of frames out of words of 64 bits; every frame begins with a word.
//
//   A frame is BEATS beats of BITS bits, the first in the low bits of its first word; what is left
//   of its last word is dropped.
//
// A word with s_tlast before that ends the frame early: its last beat is that with the last bit
// that came, filled up with zeros, and has m_tlast. Such a beat may be beat BEATS-1. The next frame
// begins with the next word.
//
// Timing: the first beat is offered 1 clock after its word was accepted. Throughput: a beat a clock
// where it has 64 bits or less, else a word a clock. s_tready depends on m_tready combinationally.
// held is high within a frame, from its first word to its last beat.
`default_nettype none

module sl_word_unpack #(
  parameter int BITS = 24,  // of a beat, whole bytes
  parameter int BEATS = 16  // of a frame
) (
  input  wire             clk,
  input  wire             rst,
  input  wire  [63:0]     s_tdata,
  input  wire             s_tvalid,
  output logic            s_tready,
  input  wire             s_tlast,
  output logic [BITS-1:0] m_tdata,
  output logic            m_tvalid,
  input  wire             m_tready,
  output logic            m_tlast,
  output logic            held
);

  // Bits are counted in grains, the largest power of two that divides a word and a beat. A word is
  // put on what is left of a beat, which is nothing where BITS divides 64.
  localparam int ALL = 64 | BITS;
  localparam int GRAIN = ALL & (~ALL + 1);
  localparam int BEAT = BITS / GRAIN;
  localparam int KEPT = 64 + BITS - GRAIN;
  localparam int CW = $clog2(KEPT / GRAIN + 2);
  localparam int AW = (BEAT > 1) ? $clog2(BEAT) : 1;
  localparam int GB = $clog2(GRAIN);
  localparam int NW = (BEATS > 1) ? $clog2(BEATS) : 1;

  logic [KEPT-1:0] bits_q;   // 0 above the valid grains where a beat has several
  logic [CW-1:0]   count_q;  // valid grains
  logic            end_q;    // nothing of the frame comes behind them
  logic [NW-1:0]   beat_q;

  wire pop = m_tvalid && m_tready;
  assign m_tdata  = bits_q[BITS-1:0];
  assign m_tvalid = count_q >= CW'(BEAT) || (end_q && count_q != '0);
  assign m_tlast  = beat_q == NW'(BEATS - 1) || (end_q && count_q <= CW'(BEAT));
  assign held     = count_q != '0 || beat_q != '0;

  wire [CW-1:0]   count = !pop ? count_q : m_tlast ? '0 : count_q - CW'(BEAT);
  wire            none  = count == '0;
  wire [KEPT-1:0] rest  = pop ? bits_q >> BITS : bits_q;
  wire [KEPT-1:0] left  = none ? '0 : rest;
  wire            push  = s_tvalid && s_tready;
  wire [AW-1:0]   at    = AW'(count);  // where a word comes, if it does
  wire [KEPT-1:0] word  = push ? KEPT'(s_tdata) : '0;
  assign s_tready = none || (count < CW'(BEAT) && !end_q);

  always_ff @(posedge clk) begin
    if (BEAT > 1) bits_q <= left | word << {at, {GB{1'b0}}};
    else bits_q <= push ? KEPT'(s_tdata) : rest;
    count_q <= push ? count + CW'(64 / GRAIN) : count;
    if (push) end_q <= s_tlast;
    if (pop) beat_q <= m_tlast ? '0 : beat_q + NW'(1);
    if (rst) begin
      count_q <= '0;
      beat_q  <= '0;
    end
  end

endmodule

`default_nettype wire
