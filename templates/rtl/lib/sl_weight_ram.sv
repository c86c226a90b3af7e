// Reloadable weight memory: the synchronous read port of a weight ROM, and a write port.
//
//   data = mem[addr], one `en` clock later; a word written at the same clock reads as the old one
//
// Not reset: the words are unknown until written.
`default_nettype none

module sl_weight_ram #(
  parameter int WIDTH = 48,
  parameter int DEPTH = 16,
  localparam int ADDR_BITS = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  wire                  clk,

  input  wire                  en,
  input  wire  [ADDR_BITS-1:0] addr,
  output logic [WIDTH-1:0]     data,

  input  wire                  w_we,
  input  wire  [ADDR_BITS-1:0] w_addr,
  input  wire  [WIDTH-1:0]     w_data
);

  logic [WIDTH-1:0] mem [DEPTH];

  always_ff @(posedge clk) begin
    if (w_we) mem[w_addr] <= w_data;
    if (en) data <= mem[addr];
  end

endmodule

`default_nettype wire
