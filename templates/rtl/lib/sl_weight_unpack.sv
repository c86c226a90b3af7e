// Takes rows of weights out of a packed stream: tiles of ROWS rows, each tile in whole beats.
//
//   IN_BITS a beat in, ROW_BITS a row out, the first in the low bits; what is left of a tile's
//   last beat is dropped. Throughput: a beat or a row a clock, whichever is less.
`default_nettype none

module sl_weight_unpack #(
  parameter int IN_BITS = 64,
  parameter int ROW_BITS = 24,
  parameter int ROWS = 8  // of a tile
) (
  input  wire                 clk,
  input  wire                 rst,
  input  wire  [IN_BITS-1:0]  s_tdata,
  input  wire                 s_tvalid,
  output logic                s_tready,
  output logic [ROW_BITS-1:0] m_tdata,
  output logic                m_tvalid,
  input  wire                 m_tready,
  output logic                m_tlast  // the last row of a tile
);

  // Bits are counted in grains, the largest power of two that divides all amounts.
  localparam int SPARE = (IN_BITS - ROWS * ROW_BITS % IN_BITS) % IN_BITS;  // of a tile's last beat
  localparam int ALL = IN_BITS | ROW_BITS | SPARE;
  localparam int GRAIN = ALL & (~ALL + 1);
  localparam int KEPT = IN_BITS + ROW_BITS + SPARE;
  localparam int GRAINS = KEPT / GRAIN;
  localparam int CW = $clog2(GRAINS + 1);
  localparam int RW = $clog2(ROWS);

  logic [KEPT-1:0] bits_q;
  logic [CW-1:0] count_q;  // valid grains
  logic [RW-1:0] row_q;

  wire pop = m_tvalid && m_tready;
  assign m_tdata = bits_q[ROW_BITS-1:0];
  assign m_tlast = row_q == RW'(ROWS - 1);
  assign m_tvalid = count_q >= (m_tlast ? CW'((ROW_BITS + SPARE) / GRAIN) : CW'(ROW_BITS / GRAIN));

  // What stays behind a row, and whether a beat fits on top of it.
  logic [KEPT-1:0] left;
  logic [CW-1:0] held;
  always_comb begin
    left = bits_q;
    held = count_q;
    if (pop && m_tlast) begin
      left = bits_q >> (ROW_BITS + SPARE);
      held = count_q - CW'((ROW_BITS + SPARE) / GRAIN);
    end else if (pop) begin
      left = bits_q >> ROW_BITS;
      held = count_q - CW'(ROW_BITS / GRAIN);
    end
  end
  assign s_tready = held <= CW'((ROW_BITS + SPARE) / GRAIN);
  wire push = s_tvalid && s_tready;

  for (genvar g = 0; g < GRAINS; g = g + 1) begin : gen_grain
    // The grain comes from the beat where it is not held.
    wire [CW-1:0] at = CW'(g) - held;
    always_ff @(posedge clk) begin
      if (CW'(g) < held || !push) bits_q[g*GRAIN +: GRAIN] <= left[g*GRAIN +: GRAIN];
      else bits_q[g*GRAIN +: GRAIN] <= GRAIN'(s_tdata >> (at * GRAIN));
    end
  end

  always_ff @(posedge clk) begin
    count_q <= push ? held + CW'(IN_BITS / GRAIN) : held;
    if (pop) row_q <= m_tlast ? '0 : row_q + RW'(1);
    if (rst) begin
      count_q <= '0;
      row_q <= '0;
    end
  end

endmodule

`default_nettype wire
