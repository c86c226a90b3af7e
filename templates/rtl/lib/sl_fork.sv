// Gives every beat to two readers.
//
//   m0 = m1 = s
//
// Timing: a beat is offered on both outputs 1 clock after its acceptance, and each may take it when
// it likes (eager): a pending bit per output, one register for the data. The next beat is accepted
// in the clock in which the last of the two is taken, one beat a clock at best. s_tready depends on
// m0_tready and m1_tready combinationally.
`default_nettype none

module sl_fork #(
  parameter int WIDTH = 8  // bits a beat
) (
  input  wire              clk,
  input  wire              rst,
  input  wire  [WIDTH-1:0] s_tdata,
  input  wire              s_tvalid,
  output logic             s_tready,
  output logic [WIDTH-1:0] m0_tdata,
  output logic             m0_tvalid,
  input  wire              m0_tready,
  output logic [WIDTH-1:0] m1_tdata,
  output logic             m1_tvalid,
  input  wire              m1_tready
);

  logic [WIDTH-1:0] beat_q;

  assign m0_tdata = beat_q;
  assign m1_tdata = beat_q;
  assign s_tready = (!m0_tvalid || m0_tready) && (!m1_tvalid || m1_tready);

  always_ff @(posedge clk) begin
    m0_tvalid <= s_tready ? s_tvalid : m0_tvalid && !m0_tready;
    m1_tvalid <= s_tready ? s_tvalid : m1_tvalid && !m1_tready;
    if (s_tready) beat_q <= s_tdata;
    if (rst) begin
      m0_tvalid <= 1'b0;
      m1_tvalid <= 1'b0;
    end
  end

endmodule

`default_nettype wire
