// Transmitter of a serial line: 8 bits, the lowest first, no parity, one stop bit.
//
// Timing: an accepted byte begins 1 clock later; the next is accepted 10 bits after it, so that
// bytes follow each other without a gap. s_tready is high while the line is idle.
`default_nettype none

module sl_uart_tx #(
  parameter int CLOCKS = 100  // clocks a bit, 2 or more
) (
  input  wire        clk,
  input  wire        rst,
  input  wire  [7:0] s_tdata,
  input  wire        s_tvalid,
  output logic       s_tready,
  output logic       txd
);

  localparam int CW = $clog2(CLOCKS);

  logic [8:0]    bits_q;  // what follows the bit on the line; filled up with stop bits
  logic [3:0]    left_q;  // bits after that on the line
  logic [CW-1:0] wait_q;  // clocks after this one that the bit on the line stays

  assign s_tready = (left_q == '0) && (wait_q == '0);

  always_ff @(posedge clk) begin
    if (s_tready) begin
      if (s_tvalid) begin
        bits_q <= {1'b1, s_tdata};
        left_q <= 4'd9;
        wait_q <= CW'(CLOCKS - 1);
        txd    <= 1'b0;
      end
    end else if (wait_q != '0) begin
      wait_q <= wait_q - CW'(1);
    end else begin
      bits_q <= {1'b1, bits_q[8:1]};
      left_q <= left_q - 4'd1;
      wait_q <= CW'(CLOCKS - 1);
      txd    <= bits_q[0];
    end
    if (rst) begin
      left_q <= '0;
      wait_q <= '0;
      txd    <= 1'b1;
    end
  end

endmodule

`default_nettype wire
