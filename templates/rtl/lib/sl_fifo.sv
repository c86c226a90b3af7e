// First-in first-out buffer between two units; it cuts every valid and ready path.
//
//   The beats of m are the beats of s in order; at most DEPTH (>= 2) are held.
//
// Timing: a beat accepted into an empty buffer is offered 1 clock later (first-word fall-through).
// s_tready and m_tvalid are registers; s_tready is high while fewer than DEPTH beats are held, so a
// full buffer accepts again in the clock after it gave a beat. m_tdata comes out of LUTRAM or,
// where the buffer is deeper than 64 beats and larger than 8,192 bits, of block RAM.
`default_nettype none

module sl_fifo #(
  parameter int WIDTH = 8,  // bits a beat
  parameter int DEPTH = 16  // beats held
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

  localparam int AW = $clog2(DEPTH);
  localparam int CW = $clog2(DEPTH + 1);

  logic [AW-1:0] write_q, read_q, read_d;
  logic [CW-1:0] count_q;  // beats held

  wire push = s_tvalid && s_tready;
  wire pop  = m_tvalid && m_tready;

  function logic [AW-1:0] next(input logic [AW-1:0] pointer);
    next = (pointer == AW'(DEPTH - 1)) ? '0 : pointer + AW'(1);
  endfunction

  assign read_d = pop ? next(read_q) : read_q;

  always_ff @(posedge clk) begin
    if (push) write_q <= next(write_q);
    read_q <= read_d;
    if (push != pop) begin
      count_q  <= count_q + (push ? CW'(1) : {CW{1'b1}});
      m_tvalid <= push || (count_q != CW'(1));
      s_tready <= pop || (count_q != CW'(DEPTH - 1));
    end
    if (rst) begin
      write_q  <= '0;
      read_q   <= '0;
      count_q  <= '0;
      m_tvalid <= 1'b0;
      s_tready <= 1'b1;
    end
  end

  if ((DEPTH > 64) && (DEPTH * WIDTH > 8192)) begin : gen_block
    (* ram_style = "block" *) logic [WIDTH-1:0] mem [DEPTH];
    logic [WIDTH-1:0] word_q, fresh_q;
    logic             is_fresh_q;  // the word was written in the very clock it was read
    always_ff @(posedge clk) begin
      if (push) mem[write_q] <= s_tdata;
      word_q     <= mem[read_d];
      fresh_q    <= s_tdata;
      is_fresh_q <= push && (write_q == read_d);
    end
    assign m_tdata = is_fresh_q ? fresh_q : word_q;
  end else begin : gen_distributed
    (* ram_style = "distributed" *) logic [WIDTH-1:0] mem [DEPTH];
    always_ff @(posedge clk) if (push) mem[write_q] <= s_tdata;
    assign m_tdata = mem[read_q];
  end

endmodule

`default_nettype wire
