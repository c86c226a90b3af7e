// One byte of a checksum: CRC-16 of the polynomial x^16 + x^12 + x^5 + 1, the highest bit first.
//
// A message that is followed by its checksum, the high byte first, has the checksum 0.
//
// Timing: wires (0 clocks).
`default_nettype none

module sl_crc16 (
  input  wire  [15:0] crc,
  input  wire  [7:0]  data,
  output logic [15:0] next
);

  always_comb begin
    next = crc ^ {data, 8'd0};
    for (int i = 0; i < 8; i++) begin
      next = {next[14:0], 1'b0} ^ (next[15] ? 16'h1021 : 16'h0000);
    end
  end

endmodule

`default_nettype wire
