// Memory with one write port and one read port with synchronous read, LUTRAM or block RAM by size.
//
//   r_data = mem[r_addr], 1 clock after r_en; it keeps its value while r_en is low.
//
// A word that is written in the clock it is read reads as before the write. Block RAM is taken
// where the memory is deeper than 64 words and larger than 8,192 bits.
`default_nettype none

module sl_ram #(
  parameter int WIDTH = 8,   // bits a word
  parameter int DEPTH = 32,  // words
  localparam int AW = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  wire              clk,
  input  wire              w_en,
  input  wire  [AW-1:0]    w_addr,
  input  wire  [WIDTH-1:0] w_data,
  input  wire              r_en,
  input  wire  [AW-1:0]    r_addr,
  output logic [WIDTH-1:0] r_data
);

  if ((DEPTH > 64) && (DEPTH * WIDTH > 8192)) begin : gen_block
    (* ram_style = "block" *) logic [WIDTH-1:0] mem [DEPTH];
    always_ff @(posedge clk) begin
      if (w_en) mem[w_addr] <= w_data;
      if (r_en) r_data <= mem[r_addr];
    end
  end else begin : gen_distributed
    (* ram_style = "distributed" *) logic [WIDTH-1:0] mem [DEPTH];
    always_ff @(posedge clk) begin
      if (w_en) mem[w_addr] <= w_data;
      if (r_en) r_data <= mem[r_addr];
    end
  end

endmodule

`default_nettype wire
