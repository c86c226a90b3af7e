// What the lanes of sl_round_shift need to know of a rounding whose constants come at run time.
//
//   amount = min(shift, P_BITS)   half = 2**(amount - 1), or 0   rest = 2**amount - 1
//   offset = zero - lo            range = hi - lo
//
// A larger shift than P_BITS leaves 0 of every value of P_BITS, as P_BITS itself does.
// Latency: 1 clock. The inputs are constants while values are under way.
`default_nettype none

module sl_round_setup #(
  parameter int P_BITS = 28,  // width of the signed value that is rounded
  parameter int Y_BITS = 8,   // width of the result
  localparam int S_BITS = $clog2(P_BITS + 1),
  localparam int V = Y_BITS + 2
) (
  input  wire                     clk,
  input  wire        [7:0]        shift,
  input  wire signed [V-1:0]      lo,
  input  wire signed [V-1:0]      hi,
  input  wire signed [V-1:0]      zero,
  output logic       [S_BITS-1:0] amount,
  output logic       [P_BITS-1:0] half,
  output logic       [P_BITS-1:0] rest,
  output logic signed [V:0]       offset,
  output logic       [V-1:0]      range
);

  wire [S_BITS-1:0] least = (shift > 8'(P_BITS)) ? S_BITS'(P_BITS) : S_BITS'(shift);
  wire [P_BITS:0] ones = ~({(P_BITS+1){1'b1}} << least);  // its low bits, as many as `least`

  always_ff @(posedge clk) begin
    amount <= least;
    half <= ones[P_BITS-1:0] & ~ones[P_BITS:1];
    rest <= ones[P_BITS-1:0];
    offset <= (V+1)'(zero) - (V+1)'(lo);
    range <= hi - lo;
  end

endmodule

`default_nettype wire
