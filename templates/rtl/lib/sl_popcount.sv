// The number of ones in a word: counts of six bits, one LUT6 a bit, then a registered tree.
//
// Latency: 1 + clog2(ceil(N / 6)) enabled clocks. Throughput: one count an enabled clock.
`default_nettype none

module sl_popcount #(
  parameter int N = 16,  // bits of the word
  localparam int SIXES = (N + 5) / 6,
  localparam int SUM_BITS = 3 + $clog2(SIXES)
) (
  input  wire                 clk,
  input  wire                 en,
  input  wire  [N-1:0]        bits,
  output logic [SUM_BITS-1:0] sum
);

  localparam int FULL = 6 * SIXES;
  wire [FULL-1:0] padded = FULL'(bits);

  logic [3*SIXES-1:0] counts_q;
  for (genvar g = 0; g < SIXES; g = g + 1) begin : gen_six
    logic [2:0] count;
    always_comb begin
      count = '0;
      for (int i = 0; i < 6; i = i + 1) count = count + 3'(padded[6*g+i]);
    end
    always_ff @(posedge clk) begin
      if (en) counts_q[3*g +: 3] <= count;
    end
  end

  sl_adder_tree #(.N(SIXES), .BITS(3)) i_tree (
    .clk(clk), .en(en), .terms(counts_q), .sum(sum)
  );

endmodule

`default_nettype wire
