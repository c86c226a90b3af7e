// Control of a matrix-vector unit: its one enable, its addresses, and when its accumulators step.
//
// A sweep is SF input beats that make one output beat; a vector is NF sweeps. The sum of an input
// beat reaches the accumulators DELAY enabled clocks after the beat was accepted: `sum_valid` is
// high then, and `first` where it starts a sweep, that is where the accumulators take the bias.
// They step under en && sum_valid; m_tvalid follows the last step of a sweep by a clock.
//
// s_tready = en = !m_tvalid || m_tready. For synchronous memories read under en: w_addr = nf * SF +
// sf of the beat accepted next, and b_addr, the sweep whose bias is at hand when its first sum
// comes. With AHEAD, both are what they become with this clock: the words of the beat accepted next
// and of the sweep are at hand then, so that another register fits behind each memory. The first
// beat after rst must come 1 clock after it or later.
`default_nettype none

module sl_mvu_control #(
  parameter int SF = 4,     // beats a sweep
  parameter int NF = 1,     // sweeps a vector
  parameter int DELAY = 3,  // 1 or more
  parameter int HELD = 1,   // 1 to DELAY
  parameter int AHEAD = 0,  // 1: words are read a beat ahead
  localparam int W_ADDR_BITS = (SF * NF > 1) ? $clog2(SF * NF) : 1,
  localparam int B_ADDR_BITS = (NF > 1) ? $clog2(NF) : 1
) (
  input  wire                    clk,
  input  wire                    rst,

  input  wire                    s_tvalid,
  output logic                   s_tready,
  output logic                   m_tvalid,
  input  wire                    m_tready,

  output logic                   en,
  output logic [W_ADDR_BITS-1:0] w_addr,
  output logic [B_ADDR_BITS-1:0] b_addr,
  output logic                   held,       // a beat was accepted HELD enabled clocks ago
  output logic                   sum_valid,
  output logic                   first
);

  assign en = !m_tvalid || m_tready;
  assign s_tready = en;

  wire s_last;
  wire [W_ADDR_BITS-1:0] addr;
  sl_mvu_address #(.SF(SF), .NF(NF)) i_address (
    .clk(clk), .rst(rst), .step(en && s_tvalid), .addr(addr), .last(s_last)
  );

  if (AHEAD != 0) begin : gen_ahead
    wire [W_ADDR_BITS-1:0] after =
      (addr == W_ADDR_BITS'(SF * NF - 1)) ? '0 : addr + W_ADDR_BITS'(1);
    assign w_addr = (en && s_tvalid) ? after : addr;
  end else begin : gen_at_once
    assign w_addr = addr;
  end

  // Validity and the end-of-sweep mark travel beside the data.
  logic [DELAY-1:0] valid_q;
  logic [DELAY-1:0] last_q;
  wire [DELAY:0] valid = {valid_q, s_tvalid};
  wire [DELAY:0] last = {last_q, s_last};
  always_ff @(posedge clk) begin
    if (rst) valid_q <= '0;
    else if (en) valid_q <= valid[DELAY-1:0];
    if (en) last_q <= last[DELAY-1:0];
  end
  assign held = valid[HELD];
  assign sum_valid = valid[DELAY];
  wire sum_last = last[DELAY];

  // The address turns one step before the next sweep's first sum can come: it is a register, or,
  // with AHEAD, what that register becomes.
  if (NF == 1) begin : gen_one_bias
    assign b_addr = '0;
  end else begin : gen_bias
    logic [B_ADDR_BITS-1:0] sweep_q;
    wire [B_ADDR_BITS-1:0] sweep_after =
      (sweep_q == B_ADDR_BITS'(NF - 1)) ? '0 : sweep_q + B_ADDR_BITS'(1);
    wire turn = en && valid[DELAY-1] && last[DELAY-1];
    always_ff @(posedge clk) begin
      if (rst) sweep_q <= '0;
      else if (turn) sweep_q <= sweep_after;
    end
    assign b_addr = (AHEAD != 0 && turn) ? sweep_after : sweep_q;
  end

  if (SF == 1) begin : gen_always_first
    assign first = 1'b1;
  end else begin : gen_first
    logic first_q;
    always_ff @(posedge clk) begin
      if (rst) first_q <= 1'b1;
      else if (en && sum_valid) first_q <= sum_last;
    end
    assign first = first_q;
  end

  always_ff @(posedge clk) begin
    if (rst) m_tvalid <= 1'b0;
    else if (en) m_tvalid <= sum_valid && sum_last;
  end

endmodule

`default_nettype wire
