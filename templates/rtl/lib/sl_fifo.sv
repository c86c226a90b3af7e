// First-in first-out buffer between two units; it cuts every valid and ready path.
//
//   The beats of m are the beats of s in order; at most DEPTH (>= 2) are held.
//
// The oldest beat sits in an output register (first-word fall-through), the others in a memory of
// DEPTH-1 words: LUTRAM, or block RAM where it is deep and larger than 8,192 bits.
//
// Timing: a beat accepted into an empty buffer is offered 1 clock later. s_tready and m_tvalid
// are registers; s_tready is high while fewer than DEPTH beats are held (so a full buffer that
// gives a beat accepts again 1 clock later) and low during reset and the first clock after it.
`default_nettype none

module sl_fifo #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 16
) (
  input  wire              clk,
  input  wire              rst,
  input  wire  [WIDTH-1:0] s_tdata,
  input  wire              s_tvalid,
  output logic             s_tready,
  output logic [WIDTH-1:0] m_tdata,
  output logic             m_tvalid,
  input  wire              m_tready
);
  localparam int WORDS     = DEPTH - 1;
  localparam int AW        = (WORDS > 1) ? $clog2(WORDS) : 1;
  localparam int CW        = $clog2(DEPTH + 1);
  localparam bit USE_BLOCK = (WORDS > 64) && (WORDS * WIDTH > 8192);

  logic [CW-1:0]    count_q, count_d;  // beats held, the output register included
  logic             more_q;            // the memory holds a beat (count_q >= 2)
  logic [AW-1:0]    write_q, read_q, read_d;
  logic [WIDTH-1:0] head;              // oldest beat in the memory

  wire push  = s_tvalid && s_tready;
  wire pop   = m_tvalid && m_tready;
  wire load  = pop || !m_tvalid;       // the output register takes a beat if there is one
  wire store = push && (more_q || !load);

  function logic [AW-1:0] next(input logic [AW-1:0] pointer);
    next = (pointer == AW'(WORDS - 1)) ? '0 : pointer + AW'(1);
  endfunction

  always_comb begin
    count_d = count_q;
    if (push && !pop) count_d = count_q + CW'(1);
    if (pop && !push) count_d = count_q - CW'(1);
    read_d = (load && more_q) ? next(read_q) : read_q;
  end

  always_ff @(posedge clk) begin
    if (load) m_tdata <= more_q ? head : s_tdata;
    count_q  <= count_d;
    more_q   <= count_d >= CW'(2);
    m_tvalid <= count_d != '0;
    s_tready <= count_d < CW'(DEPTH);
    read_q   <= read_d;
    if (store) write_q <= next(write_q);
    if (rst) begin
      count_q  <= '0;
      more_q   <= 1'b0;
      m_tvalid <= 1'b0;
      s_tready <= 1'b0;
      read_q   <= '0;
      write_q  <= '0;
    end
  end

  if (USE_BLOCK) begin : gen_block
    (* ram_style = "block" *) logic [WIDTH-1:0] mem [WORDS];
    logic [WIDTH-1:0] word_q, fresh_q;
    logic             is_fresh_q;      // the word was written in the very clock it was read
    always_ff @(posedge clk) begin
      if (store) mem[write_q] <= s_tdata;
      word_q     <= mem[read_d];
      fresh_q    <= s_tdata;
      is_fresh_q <= store && (write_q == read_d);
    end
    assign head = is_fresh_q ? fresh_q : word_q;
  end else begin : gen_lutram
    (* ram_style = "distributed" *) logic [WIDTH-1:0] mem [WORDS];
    always_ff @(posedge clk) if (store) mem[write_q] <= s_tdata;
    assign head = mem[read_q];
  end
endmodule

`default_nettype wire
