// Repeats a vector NF times, while the next vector loads: the input side of a folded dense layer.
//
//   In: vectors of LENGTH elements of BITS bits, SIMD a beat. Out: each vector NF times over.
//
// Memory: two vectors (ping-pong), LUTRAM or block RAM by size (sl_ram).
//
// Timing: the first pass runs along with the loading: a beat accepted into an empty buffer is
// offered 2 clocks later. One beat a clock out, without a pause between passes or vectors. A beat
// is accepted while fewer than two whole vectors are held; a vector counts as held until the read
// of its last word, 1 clock before that word is offered. s_tready does not depend on m_tready.
`default_nettype none

module sl_vector_buffer #(
  parameter int LENGTH = 16, // elements a vector
  parameter int SIMD   = 4,  // elements a beat, divides LENGTH
  parameter int BITS   = 8,  // bits an element
  parameter int NF     = 2   // passes over a vector
) (
  input  wire                  clk,
  input  wire                  rst,
  input  wire  [SIMD*BITS-1:0] s_tdata,
  input  wire                  s_tvalid,
  output logic                 s_tready,
  output logic [SIMD*BITS-1:0] m_tdata,
  output logic                 m_tvalid,
  input  wire                  m_tready
);

  localparam int WORDS = LENGTH / SIMD;
  localparam int IW    = (WORDS > 1) ? $clog2(WORDS) : 1;
  localparam int PW    = (NF > 1) ? $clog2(NF) : 1;

  logic          w_half_q, r_half_q;  // half of the memory that is written, read
  logic [IW-1:0] w_word_q, r_word_q;
  logic [PW-1:0] pass_q;
  logic [1:0]    held_q;              // whole vectors held

  wire w_last = w_word_q == IW'(WORDS - 1);
  wire r_last = r_word_q == IW'(WORDS - 1);
  wire p_last = pass_q == PW'(NF - 1);
  wire ready  = !m_tvalid || m_tready;
  wire read   = ready && ((held_q != 2'd0) || (r_word_q != w_word_q));
  wire write  = s_tvalid && s_tready;
  wire load   = write && w_last;      // a vector is complete
  wire free   = read && r_last && p_last;

  assign s_tready = held_q != 2'd2;

  always_ff @(posedge clk) begin
    if (ready) m_tvalid <= read;
    if (write) w_word_q <= w_last ? '0 : w_word_q + IW'(1);
    if (load)  w_half_q <= !w_half_q;
    if (read)  r_word_q <= r_last ? '0 : r_word_q + IW'(1);
    if (read && r_last) pass_q <= p_last ? '0 : pass_q + PW'(1);
    if (free)  r_half_q <= !r_half_q;
    if (load && !free) held_q <= held_q + 2'd1;
    if (free && !load) held_q <= held_q - 2'd1;
    if (rst) begin
      m_tvalid <= 1'b0;
      w_half_q <= 1'b0;
      r_half_q <= 1'b0;
      w_word_q <= '0;
      r_word_q <= '0;
      pass_q   <= '0;
      held_q   <= '0;
    end
  end

  sl_ram #(
    .WIDTH(SIMD * BITS),
    .DEPTH(2 << IW)
  ) i_ram (
    .clk   (clk),
    .w_en  (write),
    .w_addr({w_half_q, w_word_q}),
    .w_data(s_tdata),
    .r_en  (read),
    .r_addr({r_half_q, r_word_q}),
    .r_data(m_tdata)
  );

endmodule

`default_nettype wire
