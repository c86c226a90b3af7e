// Running maximum of words, lane by lane.
//
//   m[l] = max over the words of a list of x[l], its low OUT_BITS
//
// Latency: m is valid 1 clock after the last word of a list, for one clock. Throughput: a word a
// clock.
`default_nettype none

module sl_max_reduce #(
  parameter int LANES = 16,
  parameter int BITS = 8,       // width of an element
  parameter int IS_SIGNED = 0,  // 1: elements are two's complement
  parameter int OUT_BITS = 8    // at most BITS
) (
  input  wire                       clk,
  input  wire                       rst,
  input  wire                       in_valid,
  input  wire                       in_last,
  input  wire  [LANES*BITS-1:0]     x,
  output logic                      m_valid,
  output logic [LANES*OUT_BITS-1:0] m
);

  logic first_q;
  always_ff @(posedge clk) begin
    if (in_valid) first_q <= in_last;
    m_valid <= in_valid && in_last;
    if (rst) begin
      first_q <= 1'b1;
      m_valid <= 1'b0;
    end
  end

  for (genvar l = 0; l < LANES; l = l + 1) begin : gen_lane
    wire [BITS-1:0] value = x[l*BITS +: BITS];
    logic [BITS-1:0] most_q;
    wire signed [BITS:0] value_wide = $signed({IS_SIGNED != 0 && value[BITS-1], value});
    wire signed [BITS:0] most_wide = $signed({IS_SIGNED != 0 && most_q[BITS-1], most_q});
    always_ff @(posedge clk) begin
      if (in_valid && (first_q || value_wide > most_wide)) most_q <= value;
    end
    assign m[l*OUT_BITS +: OUT_BITS] = most_q[OUT_BITS-1:0];
  end

endmodule

`default_nettype wire
