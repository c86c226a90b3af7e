// Receiver of a serial line: 8 bits, the lowest first, no parity, one stop bit.
//
// A start bit that is not low up to its middle is noise and is ignored. A byte without its stop bit
// is dropped; the line must then go high before the next start bit counts.
//
// Timing: valid is high for 1 clock in the middle of the stop bit, 9.5 bits after the edge of the
// start bit and 3 clocks of synchronisation; data holds until the next bits come.
`default_nettype none

module sl_uart_rx #(
  parameter int CLOCKS = 100  // clocks a bit, 4 or more
) (
  input  wire        clk,
  input  wire        rst,
  input  wire        rxd,
  output logic [7:0] data,
  output logic       valid
);

  localparam int CW = $clog2(CLOCKS);
  localparam logic [3:0] STOP = 4'd9;

  logic [2:0]    line_q;   // the newest is bit 0; bits 1 and 2 are free of metastability
  logic          busy_q;   // inside a byte
  logic [CW-1:0] wait_q;   // clocks to the middle of the next bit
  logic [3:0]    bit_q;    // 0 is the start bit
  wire           level   = line_q[1];
  wire           middle  = busy_q && (wait_q == '0);
  wire           falling = line_q[2] && !level;

  always_ff @(posedge clk) begin
    line_q <= {line_q[1:0], rxd};
    valid  <= middle && (bit_q == STOP) && level;
    wait_q <= middle ? CW'(CLOCKS - 1) : wait_q - CW'(1);
    if (middle) begin
      bit_q <= bit_q + 4'd1;
      if (bit_q != STOP) data <= {level, data[7:1]};
      if ((bit_q == STOP) || ((bit_q == '0) && level)) busy_q <= 1'b0;
    end
    if (!busy_q) begin
      wait_q <= CW'(CLOCKS / 2 - 1);
      bit_q  <= '0;
      busy_q <= falling;
    end
    if (rst) begin
      line_q <= '1;
      busy_q <= 1'b0;
      valid  <= 1'b0;
    end
  end

endmodule

`default_nettype wire
