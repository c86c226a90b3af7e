// A word CLOCKS enabled clocks late: in shift registers, or in a memory where it is long.
//
//   q = d as it was CLOCKS enabled clocks ago
//
// Until CLOCKS enabled clocks have passed since reset, `filled` is low and q is anything. Up to 33
// clocks are registers, which synthesis makes one LUT a bit; else sl_ram is a ring of CLOCKS - 1
// words, and its output register the last clock.
`default_nettype none

module sl_delay_line #(
  parameter int BITS = 16,
  parameter int CLOCKS = 64  // 1 or more
) (
  input  wire             clk,
  input  wire             rst,
  input  wire             en,
  input  wire  [BITS-1:0] d,
  output logic [BITS-1:0] q,
  output logic            filled
);

  localparam int COUNT = (CLOCKS <= 33) ? CLOCKS : CLOCKS - 1;
  localparam int AW    = (COUNT > 1) ? $clog2(COUNT) : 1;

  logic [AW-1:0] place;  // in a ring: of the word that is read and then replaced
  wire           last = place == AW'(COUNT - 1);
  sl_wrap_counter #(.COUNT(COUNT)) i_place (.clk(clk), .rst(rst), .step(en), .count(place));

  if (CLOCKS <= 33) begin : gen_registers
    sl_delay #(.BITS(BITS), .CLOCKS(CLOCKS)) i_delay (.clk(clk), .en(en), .d(d), .q(q));
    always_ff @(posedge clk) begin
      if (rst) filled <= 1'b0;
      else if (en && last) filled <= 1'b1;
    end
  end else begin : gen_ring
    logic written_q;  // all words are
    always_ff @(posedge clk) begin
      if (rst) begin
        written_q <= 1'b0;
        filled    <= 1'b0;
      end else if (en) begin
        if (last) written_q <= 1'b1;
        filled <= written_q;
      end
    end
    sl_ram #(.WIDTH(BITS), .DEPTH(CLOCKS - 1)) i_ram (
      .clk(clk), .w_en(en), .w_addr(place), .w_data(d), .r_en(en), .r_addr(place), .r_data(q)
    );
  end

endmodule

`default_nettype wire
