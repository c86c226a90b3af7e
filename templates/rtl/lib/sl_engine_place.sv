// Where the words of a map lie, pixel by pixel, and block after block of a pixel.
//
//   addr = base + block * stride + pixel  modulo 2**AW
//
// `load` goes to block 0 of pixel 0; each `step` to the next block, or of `blocks` to the next
// pixel. base, stride and blocks hold still from `load` on. Latency: 1 clock.
`default_nettype none

module sl_engine_place #(
  parameter int AW = 10  // bits of an address
) (
  input  wire           clk,
  input  wire           load,
  input  wire  [AW-1:0] base,
  input  wire  [AW-1:0] stride,
  input  wire  [15:0]   blocks,  // 1 or more
  input  wire           step,
  output logic [AW-1:0] addr
);

  logic [AW-1:0] pixel_q;  // address of block 0
  logic [15:0] block_q;    // from 1 on
  wire [AW-1:0] pixel_d = pixel_q + AW'(1);
  wire last = block_q == blocks;

  always_ff @(posedge clk) begin
    if (step) begin
      block_q <= last ? 16'd1 : block_q + 16'd1;
      addr <= last ? pixel_d : addr + stride;
      if (last) pixel_q <= pixel_d;
    end
    if (load) begin
      block_q <= 16'd1;
      addr <= base;
      pixel_q <= base;
    end
  end

endmodule

`default_nettype wire
