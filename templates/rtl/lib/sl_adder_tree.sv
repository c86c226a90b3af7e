// The sum of N unsigned terms, every level of the tree registered.
//
//   sum = terms[0] + ... + terms[N-1], exact: BITS + clog2(N) bits
//
// Latency: clog2(N) enabled clocks (0 for N = 1). Throughput: one sum an enabled clock.
// The last term of an odd level passes through a register. The module instantiates itself for the
// levels below; unregistered levels would be merged into compressors that cost 15 to 35 % more.
`default_nettype none

module sl_adder_tree #(
  parameter int N = 16,    // terms
  parameter int BITS = 11, // width of a term
  localparam int SUM_BITS = BITS + $clog2(N)
) (
  input  wire                 clk,
  input  wire                 en,
  input  wire  [N*BITS-1:0]   terms,  // term 0 in the LSBs
  output logic [SUM_BITS-1:0] sum
);

  localparam int HALF = (N + 1) / 2;  // terms of the next level
  localparam int NEXT = BITS + 1;     // their width

  if (N == 1) begin : gen_leaf
    assign sum = terms;
    wire unused_control = &{1'b0, clk, en};
  end else begin : gen_level
    logic [HALF*NEXT-1:0] level_q;

    for (genvar i = 0; i < N / 2; i = i + 1) begin : gen_pair
      always_ff @(posedge clk) begin
        if (en) begin
          level_q[i*NEXT +: NEXT] <= NEXT'(terms[2*i*BITS +: BITS])
                                   + NEXT'(terms[(2*i+1)*BITS +: BITS]);
        end
      end
    end

    if (N % 2 == 1) begin : gen_odd
      always_ff @(posedge clk) begin
        if (en) level_q[(HALF-1)*NEXT +: NEXT] <= NEXT'(terms[(N-1)*BITS +: BITS]);
      end
    end

    sl_adder_tree #(.N(HALF), .BITS(NEXT)) i_rest (
      .clk(clk), .en(en), .terms(level_q), .sum(sum)
    );
  end

endmodule

`default_nettype wire
