// Commands for equal segments of memory at equal distances: SRC + i * STRIDE, i = 0 ... COUNT - 1.
//
// `start` takes the first segment's place; a command is offered from the next clock on. Addresses
// are in bytes, `first` and `stride` in beats of 8 bytes from `base` on. The caller holds beats and
// stride until the last command was taken.
`default_nettype none

module sl_segments (
  input  wire         clk,
  input  wire         rst,
  input  wire         start,
  input  wire  [31:0] base,    // byte address
  input  wire  [31:0] first,   // beats
  input  wire  [31:0] beats,   // of a segment
  input  wire  [15:0] count,   // segments, 1 or more
  input  wire  [31:0] stride,  // beats
  output logic        cmd_valid,
  input  wire         cmd_ready,
  output logic [31:0] cmd_addr,
  output logic [31:0] cmd_beats
);

  logic [15:0] left_q;
  assign cmd_beats = beats;
  wire take = cmd_valid && cmd_ready;

  always_ff @(posedge clk) begin
    if (start) begin
      cmd_addr <= base + {first[28:0], 3'b000};
      left_q <= count;
      cmd_valid <= 1'b1;
    end else if (take) begin
      cmd_addr <= cmd_addr + {stride[28:0], 3'b000};
      left_q <= left_q - 16'd1;
      cmd_valid <= left_q != 16'd1;
    end
    if (rst) cmd_valid <= 1'b0;
  end

  wire unused_high_bits = &{1'b0, first[31:29], stride[31:29]};

endmodule

`default_nettype wire
