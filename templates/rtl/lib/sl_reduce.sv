// Reduces TAPS consecutive beats to one, lane by lane: poolings behind sl_window_serial.
//
//   y[l] = max or sum of x[t,l] over t < TAPS
//
// In: beats of LANES elements of BITS bits, tap by tap. Out: LANES elements of OUT_BITS bits (BITS
// for max; a sum needs ceil(log2(TAPS)) bits more), signed as the input's.
//
// Timing: the last of TAPS beats is offered as the result 1 clock after its acceptance. One beat a
// clock in, always; s_tready = !m_tvalid || m_tready.
`default_nettype none

module sl_reduce #(
  parameter int LANES     = 4, // elements a beat
  parameter int TAPS      = 9, // beats reduced to one
  parameter int BITS      = 8, // bits an input element
  parameter int OUT_BITS  = 8, // bits an output element
  parameter int IS_SUM    = 0, // 1: sum, 0: maximum
  parameter int IS_SIGNED = 1  // 1: elements are two's complement, 0: unsigned
) (
  input  wire                       clk,
  input  wire                       rst,
  input  wire  [LANES*BITS-1:0]     s_tdata,
  input  wire                       s_tvalid,
  output logic                      s_tready,
  output logic [LANES*OUT_BITS-1:0] m_tdata,
  output logic                      m_tvalid,
  input  wire                       m_tready
);

  localparam int TW = (TAPS > 1) ? $clog2(TAPS) : 1;

  wire accept = s_tvalid && s_tready;
  wire [TW-1:0] tap;
  logic first_q;

  assign s_tready = !m_tvalid || m_tready;

  sl_wrap_counter #(.COUNT(TAPS)) i_tap (.clk(clk), .rst(rst), .step(accept), .count(tap));

  always_ff @(posedge clk) begin
    if (s_tready) m_tvalid <= s_tvalid && (tap == TW'(TAPS - 1));
    if (accept)   first_q <= tap == TW'(TAPS - 1);
    if (rst) begin
      m_tvalid <= 1'b0;
      first_q  <= 1'b1;
    end
  end

  for (genvar i = 0; i < LANES; i = i + 1) begin : gen_lane
    wire sign = (IS_SIGNED != 0) && s_tdata[i*BITS + BITS-1];
    wire [OUT_BITS-1:0] x = OUT_BITS'($signed({sign, s_tdata[i*BITS +: BITS]}));
    logic [OUT_BITS-1:0] so_far_q;
    if (IS_SUM != 0) begin : gen_sum
      always_ff @(posedge clk) begin
        if (accept) so_far_q <= x + (first_q ? '0 : so_far_q);
      end
    end else begin : gen_max
      wire x_wins = (IS_SIGNED != 0) ? $signed(x) > $signed(so_far_q) : x > so_far_q;
      always_ff @(posedge clk) begin
        if (accept && (first_q || x_wins)) so_far_q <= x;
      end
    end
    assign m_tdata[i*OUT_BITS +: OUT_BITS] = so_far_q;
  end

endmodule

`default_nettype wire
