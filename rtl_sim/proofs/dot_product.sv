// sl_mvu_shift gives, for every vector, the sums that its header states, in order, each once:
// bias plus all products of a row, modulo 2**ACC_BITS. One output a beat (PE = 1).
//
// The memories are those of a layer: words that never change, read under w_en. exact_sum.sv shows
// that such a sum is the exact dot product and does not overflow.
`default_nettype none

module dot_product #(
  parameter int SIMD = 2,
  parameter int SF = 2,
  parameter int NF = 2,
  parameter int X_BITS = 3,
  parameter int X_SIGNED = 0,
  parameter int ACC_BITS = 8,
  localparam int CLOCKS = $clog2(SIMD) + 2,  // enabled clocks from the last beat to its sum
  localparam int P = X_BITS + 2
) (
  input wire                     clk,
  input wire                     rst,
  input wire [SIMD*X_BITS-1:0]   s_tdata,
  input wire                     s_tvalid,
  input wire                     w_en,
  input wire [$clog2(SF*NF)-1:0] w_addr,
  input wire [SIMD*3-1:0]        w_data,
  input wire [$clog2(NF)-1:0]    b_addr,
  input wire [ACC_BITS-1:0]      b_data,
  input wire [ACC_BITS-1:0]      m_tdata,
  input wire                     m_tvalid
);

  // The memories: free, but the same in every clock.
  wire  [SF*NF*SIMD*3-1:0] codes;
  wire  [NF*ACC_BITS-1:0]  biases;
  logic [SF*NF*SIMD*3-1:0] codes_q;
  logic [NF*ACC_BITS-1:0]  biases_q;
  logic                    begun_q = 1'b0;
  always_ff @(posedge clk) begin
    codes_q  <= codes;
    biases_q <= biases;
    begun_q  <= 1'b1;
  end
  always_comb if (begun_q) assume (codes == codes_q && biases == biases_q);

  logic [SIMD*3-1:0]   word_q;
  logic [ACC_BITS-1:0] bias_q;
  always_ff @(posedge clk) if (w_en) begin
    for (int b = 0; b < SF * NF; b = b + 1) begin
      if (32'(w_addr) == b) word_q <= codes[b*SIMD*3 +: SIMD*3];
    end
    for (int n = 0; n < NF; n = n + 1) begin
      if (32'(b_addr) == n) bias_q <= biases[n*ACC_BITS +: ACC_BITS];
    end
  end
  always_comb assume (w_data == word_q && b_data == bias_q);

  // The sum of the beats so far, and the sums on their way to the output.
  wire take = w_en && s_tvalid;
  logic [7:0] beat_q;  // of the vector
  logic [SIMD*3-1:0] word;
  wire [SIMD*P-1:0] products;
  logic [ACC_BITS-1:0] sum_q, sum;
  logic is_last;
  always_comb begin
    word = '0;
    sum = sum_q;
    is_last = 1'b0;
    for (int b = 0; b < SF * NF; b = b + 1) if (beat_q == 8'(b)) begin
      word = codes[b*SIMD*3 +: SIMD*3];
      if (b % SF == 0) sum = biases[(b/SF)*ACC_BITS +: ACC_BITS];
      is_last = b % SF == SF - 1;
    end
    for (int i = 0; i < SIMD; i = i + 1) sum = sum + ACC_BITS'(products[i*P +: P]);
  end

  for (genvar i = 0; i < SIMD; i = i + 1) begin : gen_product
    sl_shift_product #(.X_BITS(X_BITS), .X_SIGNED(X_SIGNED)) i_product (
      .x(s_tdata[i*X_BITS +: X_BITS]), .code(word[i*3 +: 3]), .product(products[i*P +: P])
    );
  end

  logic [CLOCKS-1:0] due_q;
  logic [CLOCKS*ACC_BITS-1:0] sums_q;  // newest in the low bits
  always_ff @(posedge clk) begin
    if (w_en) begin
      due_q  <= CLOCKS'({due_q, take && is_last});
      sums_q <= (CLOCKS*ACC_BITS)'({sums_q, sum});
    end
    if (take) begin
      beat_q <= (beat_q == 8'(SF * NF - 1)) ? '0 : beat_q + 8'd1;
      sum_q  <= sum;
    end
    if (rst) begin
      due_q  <= '0;
      beat_q <= '0;
    end
  end

  logic started_q = 1'b0;
  always_ff @(posedge clk) if (rst) started_q <= 1'b1;
  always_comb if (started_q) begin
    assert (m_tvalid == due_q[CLOCKS-1]);
    if (m_tvalid) assert (m_tdata == sums_q[(CLOCKS-1)*ACC_BITS +: ACC_BITS]);
  end

endmodule

`default_nettype wire
