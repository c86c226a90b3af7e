// Gives elements more bits, of the same value.
//
// In: LANES elements of BITS bits a beat. Out: the same with OUT_BITS bits.
//
// Timing: an accepted beat is offered 1 clock later, one beat a clock; s_tready is
// !m_tvalid || m_tready.
`default_nettype none

module sl_extend #(
  parameter int LANES     = 1,  // elements a beat
  parameter int BITS      = 12, // bits an input element
  parameter int OUT_BITS  = 16, // bits an output element, more
  parameter int IS_SIGNED = 1   // 1: elements are two's complement, 0: unsigned
) (
  input  wire                       clk,
  input  wire                       rst,
  input  wire  [LANES*BITS-1:0]     s_tdata,
  input  wire                       s_tvalid,
  output wire                       s_tready,
  output logic [LANES*OUT_BITS-1:0] m_tdata,
  output logic                      m_tvalid,
  input  wire                       m_tready
);

  assign s_tready = !m_tvalid || m_tready;

  for (genvar i = 0; i < LANES; i = i + 1) begin : gen_lane
    wire sign = (IS_SIGNED != 0) && s_tdata[i*BITS + BITS-1];
    always_ff @(posedge clk) begin
      if (s_tready) begin
        m_tdata[i*OUT_BITS +: OUT_BITS] <= {{(OUT_BITS-BITS){sign}}, s_tdata[i*BITS +: BITS]};
      end
    end
  end

  always_ff @(posedge clk) begin
    if (s_tready) m_tvalid <= s_tvalid;
    if (rst) m_tvalid <= 1'b0;
  end

endmodule

`default_nettype wire
