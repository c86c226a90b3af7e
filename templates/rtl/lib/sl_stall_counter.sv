// Counts the clocks in which a beat waits: valid without ready. Modulo 2^32.
//
// Timing: a clock is counted 1 clock later; in reset the count is 0.
`default_nettype none

module sl_stall_counter (
  input  wire         clk,
  input  wire         rst,
  input  wire         tvalid,
  input  wire         tready,
  output logic [31:0] count
);

  always_ff @(posedge clk) begin
    if (tvalid && !tready) count <= count + 32'd1;
    if (rst) count <= '0;
  end

endmodule

`default_nettype wire
