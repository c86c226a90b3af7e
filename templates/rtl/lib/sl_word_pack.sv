// Puts the beats of frames into words of 64 bits; every frame begins a new word.
//
//   A frame is BEATS beats of BITS bits, the first in the low bits of its first word; its last
//   word is filled up with zeros and has m_tlast.
//
// Timing: a word is offered 1 clock after its last bit was accepted. Throughput: a beat a clock
// where it has 64 bits or less, else a word a clock. s_tready depends on m_tready combinationally.
// held is high within a frame, from its first beat to its last word.
`default_nettype none

module sl_word_pack #(
  parameter int BITS = 24,  // of a beat, whole bytes
  parameter int BEATS = 16  // of a frame
) (
  input  wire             clk,
  input  wire             rst,
  input  wire  [BITS-1:0] s_tdata,
  input  wire             s_tvalid,
  output logic            s_tready,
  output logic [63:0]     m_tdata,
  output logic            m_tvalid,
  input  wire             m_tready,
  output logic            m_tlast,
  output logic            held
);

  // Bits are counted in grains, the largest power of two that divides a word and a beat. A beat is
  // put on what is left of a word. Where the last beat of a frame may lie in two words, the first
  // of the next frame is put behind the second, while that is still held.
  localparam int ALL = 64 | BITS;
  localparam int GRAIN = ALL & (~ALL + 1);
  localparam int WORD = 64 / GRAIN;
  localparam bit IN_TWO = (BITS < 64) && (64 % BITS != 0);
  localparam int MOST = IN_TWO ? WORD : WORD - 1;  // grains that a beat is put on
  localparam int KEPT = MOST * GRAIN + BITS;
  localparam int CW = $clog2(KEPT / GRAIN + WORD);
  localparam int AW = (MOST > 0) ? $clog2(MOST + 1) : 1;
  localparam int GB = $clog2(GRAIN);
  localparam int NW = (BEATS > 1) ? $clog2(BEATS) : 1;

  logic [KEPT-1:0] bits_q;    // 0 above the valid grains
  logic [CW-1:0]   count_q;   // valid grains, whole words at the end of a frame
  logic            end_q;     // a frame ends behind all of them
  logic            before_q;  // the first word ends a frame, and a beat of the next is behind it
  logic [NW-1:0]   beat_q;

  wire pop  = m_tvalid && m_tready;
  wire last = beat_q == NW'(BEATS - 1);
  assign m_tdata  = bits_q[63:0];
  assign m_tvalid = count_q >= CW'(WORD);
  assign m_tlast  = before_q || (end_q && count_q == CW'(WORD));
  assign held     = count_q != '0 || beat_q != '0;

  wire [CW-1:0]   count = pop ? count_q - CW'(WORD) : count_q;
  wire [KEPT-1:0] left  = (count == '0) ? '0 : pop ? bits_q >> 64 : bits_q;
  wire            push  = s_tvalid && s_tready;
  wire [AW-1:0]   at    = (MOST > 0) ? AW'(count) : '0;  // where a beat comes, if it does
  wire [CW-1:0]   total = count + CW'(BITS / GRAIN);
  wire [CW-1:0]   whole = (total + CW'(WORD - 1)) & ~CW'(WORD - 1);
  assign s_tready = count <= CW'(MOST);

  always_ff @(posedge clk) begin
    bits_q <= left | (push ? KEPT'(s_tdata) << {at, {GB{1'b0}}} : '0);
    if (push) begin
      count_q  <= last ? whole : total;
      end_q    <= last;
      before_q <= IN_TWO && end_q && (count == CW'(WORD));
      beat_q   <= last ? '0 : beat_q + NW'(1);
    end else begin
      count_q  <= count;
      before_q <= before_q && !pop;
    end
    if (rst) begin
      count_q  <= '0;
      before_q <= 1'b0;
      beat_q   <= '0;
    end
  end

endmodule

`default_nettype wire
