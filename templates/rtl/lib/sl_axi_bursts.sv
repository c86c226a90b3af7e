// Cuts commands of 8-byte beats into AXI4 bursts, each within one aligned block of BURST beats.
//
//   A command covers cmd_beats beats from cmd_addr on; its bursts cover the same, in order.
//
// A block is at most 2 KiB, so that no burst crosses a boundary of 4 KiB. All bursts of a command
// but the first and the last one have BURST beats.
//
// Timing: the first burst of an accepted command is offered 1 clock later; a burst a clock. A
// command is accepted in the clock in which the last burst of the one before is taken: cmd_ready
// depends on burst_ready combinationally.
`default_nettype none

module sl_axi_bursts #(
  parameter int BURST = 16,     // most beats of a burst, a power of two from 2 to 256
  parameter int ADDR_BITS = 32  // of a byte address, at least 13
) (
  input  wire                  clk,
  input  wire                  rst,
  input  wire                  cmd_valid,
  output logic                 cmd_ready,
  input  wire  [ADDR_BITS-1:0] cmd_addr,   // a multiple of 8
  input  wire  [31:0]          cmd_beats,  // 1 or more; the end lies within the addresses
  output logic                 burst_valid,
  input  wire                  burst_ready,
  output logic [ADDR_BITS-1:0] burst_addr,
  output logic [7:0]           burst_len,  // beats less one
  output logic                 burst_last  // of its command
);

  localparam int LB = $clog2(BURST);
  localparam int BLOCK_BITS = ADDR_BITS - 3 - LB;

  logic [BLOCK_BITS-1:0] block_q;   // of the burst, as a number
  logic [LB-1:0]         offset_q;  // first beat within it
  logic [32:0]           end_q;     // beats from its begin to the end of the command

  wire [LB-1:0] end_beat = burst_last ? LB'(end_q - 33'd1) : LB'(BURST - 1);
  wire [LB-1:0] length   = end_beat - offset_q;

  wire take = burst_valid && burst_ready;
  wire load = cmd_valid && cmd_ready;

  assign cmd_ready  = !burst_valid || (burst_ready && burst_last);
  assign burst_last = end_q <= 33'(BURST);
  assign burst_addr = {block_q, offset_q, 3'b000};
  assign burst_len  = 8'(length);

  always_ff @(posedge clk) begin
    if (rst) burst_valid <= 1'b0;
    else if (load || take) burst_valid <= load || !burst_last;
  end

  always_ff @(posedge clk) begin
    if (load) begin
      {block_q, offset_q} <= cmd_addr[ADDR_BITS-1:3];
      end_q <= 33'(cmd_beats) + 33'(cmd_addr[3 +: LB]);
    end else if (take) begin
      block_q  <= block_q + BLOCK_BITS'(1);
      offset_q <= '0;
      end_q    <= end_q - 33'(BURST);
    end
  end

  wire unused_bits = &{1'b0, cmd_addr[2:0]};

endmodule

`default_nettype wire
