// The beats of sl_fifo come out in order, each once: a beat picked at any time is the one that
// comes out behind those that were in the buffer before it.
//
// The other assertions say which states are reachable; with them all hold for all times.
`default_nettype none

module fifo_order #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 16,
  localparam int AW = $clog2(DEPTH),
  localparam int CW = $clog2(DEPTH + 1)
) (
  input wire                   clk,
  input wire                   rst,
  input wire [WIDTH-1:0]       s_tdata,
  input wire                   s_tready,
  input wire [WIDTH-1:0]       m_tdata,
  input wire                   m_tvalid,
  input wire                   push,
  input wire                   pop,
  input wire [AW-1:0]          write_q,
  input wire [AW-1:0]          read_q,
  input wire [CW-1:0]          count_q,
  input wire [DEPTH*WIDTH-1:0] words  // the memory
);

  wire             pick;  // free: the next beat is the one to look at
  logic            picked_q;
  logic [CW-1:0]   ahead_q;  // beats in front of it
  logic [WIDTH-1:0] beat_q;
  wire comes_out = picked_q && pop && ahead_q == '0;

  always_ff @(posedge clk) begin
    if (push && pick && !picked_q) begin
      picked_q <= 1'b1;
      ahead_q  <= count_q - CW'(pop);
      beat_q   <= s_tdata;
    end else if (pop) begin
      picked_q <= picked_q && ahead_q != '0;
      ahead_q  <= ahead_q - CW'(1);
    end
    if (rst) picked_q <= 1'b0;
  end

  // Both pointers are inside the memory, as far apart as beats are held; the flags say how many.
  function logic [31:0] place(input logic [31:0] pointer, input logic [31:0] more);
    place = (pointer + more < DEPTH) ? pointer + more : pointer + more - DEPTH;
  endfunction

  logic started_q = 1'b0;
  always_ff @(posedge clk) if (rst) started_q <= 1'b1;
  always_comb if (started_q) begin
    if (comes_out) assert (m_tdata == beat_q);
    assert (count_q <= CW'(DEPTH) && 32'(read_q) < DEPTH);
    assert (32'(write_q) == place(32'(read_q), 32'(count_q)));
    assert (m_tvalid == (count_q != '0) && s_tready == (count_q != CW'(DEPTH)));
    if (picked_q) assert (ahead_q < count_q);
    if (picked_q) assert (words[place(32'(read_q), 32'(ahead_q))*WIDTH +: WIDTH] == beat_q);
  end

endmodule

`default_nettype wire
