// Memory like sl_ram whose read may give padding instead of a word, at no cost in logic.
//
//   r_data = r_pad ? ELEMS times PAD_VALUE : mem[r_addr], 1 clock after r_en
//
// r_data keeps its value while r_en is low. A word that is written in the clock it is read reads as
// before the write. The padding is the reset value of the output register, in flip-flops as in
// block RAM, which is taken where the memory is deeper than 64 words and larger than 8,192 bits.
`default_nettype none

module sl_pad_ram #(
  parameter int ELEMS     = 4,   // elements a word
  parameter int BITS      = 8,   // bits an element
  parameter int DEPTH     = 32,  // words
  parameter int PAD_VALUE = 0,   // an element of padding
  localparam int AW = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  wire                   clk,
  input  wire                   w_en,
  input  wire  [AW-1:0]         w_addr,
  input  wire  [ELEMS*BITS-1:0] w_data,
  input  wire                   r_en,
  input  wire                   r_pad,
  input  wire  [AW-1:0]         r_addr,
  output logic [ELEMS*BITS-1:0] r_data
);

  if ((DEPTH > 64) && (DEPTH * ELEMS * BITS > 8192)) begin : gen_block
    (* ram_style = "block" *) logic [ELEMS*BITS-1:0] mem [DEPTH];
    always_ff @(posedge clk) begin
      if (w_en) mem[w_addr] <= w_data;
      if (r_en) begin
        if (r_pad) r_data <= {ELEMS{BITS'(PAD_VALUE)}};
        else r_data <= mem[r_addr];
      end
    end
  end else begin : gen_distributed
    (* ram_style = "distributed" *) logic [ELEMS*BITS-1:0] mem [DEPTH];
    always_ff @(posedge clk) begin
      if (w_en) mem[w_addr] <= w_data;
      if (r_en) begin
        if (r_pad) r_data <= {ELEMS{BITS'(PAD_VALUE)}};
        else r_data <= mem[r_addr];
      end
    end
  end

endmodule

`default_nettype wire
