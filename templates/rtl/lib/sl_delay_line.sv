// A word CLOCKS enabled clocks late: in shift registers, or in a memory where it is long.
//
//   q = d as it was CLOCKS enabled clocks ago
//
// Until CLOCKS enabled clocks have passed, q is anything. Up to 33 clocks are registers, which
// synthesis makes one LUT a bit; else sl_ram is a ring of CLOCKS - 1 words, and its output register
// the last clock.
`default_nettype none

module sl_delay_line #(
  parameter int BITS = 16,
  parameter int CLOCKS = 64  // 1 or more
) (
  input  wire             clk,
  input  wire             rst,
  input  wire             en,
  input  wire  [BITS-1:0] d,
  output logic [BITS-1:0] q
);

  if (CLOCKS <= 33) begin : gen_registers
    sl_delay #(.BITS(BITS), .CLOCKS(CLOCKS)) i_delay (.clk(clk), .en(en), .d(d), .q(q));
    wire unused_reset = rst;
  end else begin : gen_ring
    localparam int AW = $clog2(CLOCKS - 1);
    logic [AW-1:0] place;  // of the word that is read and then replaced
    sl_wrap_counter #(.COUNT(CLOCKS - 1)) i_place (
      .clk(clk), .rst(rst), .step(en), .count(place)
    );
    sl_ram #(.WIDTH(BITS), .DEPTH(CLOCKS - 1)) i_ram (
      .clk(clk), .w_en(en), .w_addr(place), .w_data(d), .r_en(en), .r_addr(place), .r_data(q)
    );
  end

endmodule

`default_nettype wire
