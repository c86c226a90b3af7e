// Position along one axis of sl_insert: BEFORE fillers, N data with GAP fillers between, AFTER.
//
// first and last mark the ends of the axis, is_data a position of data. One position a step, and
// round again.
`default_nettype none

module sl_insert_axis #(
  parameter int N      = 4, // data
  parameter int BEFORE = 1, // fillers before the first
  parameter int AFTER  = 1, // fillers after the last
  parameter int GAP    = 0  // fillers between two
) (
  input  wire  clk,
  input  wire  rst,
  input  wire  step,
  output logic first,
  output logic last,
  output logic is_data
);

  localparam int PERIOD = GAP + 1;
  localparam int END    = BEFORE + (N - 1) * PERIOD + 1;  // the position after the last datum
  localparam int TOTAL  = END + AFTER;
  localparam int START  = (PERIOD - BEFORE % PERIOD) % PERIOD;
  localparam int CW     = (TOTAL > 1) ? $clog2(TOTAL) : 1;
  localparam int PW     = (PERIOD > 1) ? $clog2(PERIOD) : 1;

  logic [CW-1:0] at;
  logic [PW-1:0] phase_q;  // (at - BEFORE) modulo PERIOD

  assign first   = at == '0;
  assign last    = at == CW'(TOTAL - 1);
  assign is_data = (int'(at) >= BEFORE) && (int'(at) < END) && (phase_q == '0);

  sl_wrap_counter #(.COUNT(TOTAL)) i_at (.clk(clk), .rst(rst), .step(step), .count(at));

  always_ff @(posedge clk) begin
    if (step) phase_q <= (phase_q == PW'(PERIOD - 1)) ? '0 : phase_q + PW'(1);
    if (rst || (step && last)) phase_q <= PW'(START);
  end

endmodule

`default_nettype wire
