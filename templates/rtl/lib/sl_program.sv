// Walks the instructions of a program, one after the other, once for every `start`.
//
// The program lies in a synchronous memory; bit LAST of an instruction ends it. `valid` says that
// `data` of the memory is the instruction to run; `done` in such a clock goes on to the next one,
// which is valid 2 clocks later. `idle`: nothing is left to run. An empty program is always idle.
`default_nettype none

module sl_program #(
  parameter int INSTRUCTIONS = 4,  // 0: an empty program
  parameter int LAST = 1,          // bit that marks the last instruction
  localparam int AW = (INSTRUCTIONS > 1) ? $clog2(INSTRUCTIONS) : 1
) (
  input  wire           clk,
  input  wire           rst,
  input  wire           start,
  output logic [AW-1:0] addr,
  input  wire  [31:0]   flags,  // the first field of the memory's word
  output logic          valid,
  input  wire           done,
  output logic          idle
);

  if (INSTRUCTIONS == 0) begin : gen_empty
    assign addr = '0;
    assign valid = 1'b0;
    assign idle = 1'b1;
    wire unused = &{1'b0, clk, rst, start, flags, done};
  end else begin : gen_walk
    logic fetching_q, valid_q;
    wire last = flags[LAST];
    wire unused_flags = &{1'b0, flags};

    assign valid = valid_q;
    assign idle = !fetching_q && !valid_q;
    always_ff @(posedge clk) begin
      fetching_q <= start || (valid_q && done && !last);
      valid_q <= fetching_q || (valid_q && !done);
      if (start) addr <= '0;
      else if (valid_q && done && !last) addr <= addr + AW'(1);
      if (rst) begin
        addr <= '0;
        fetching_q <= 1'b0;
        valid_q <= 1'b0;
      end
    end
  end

endmodule

`default_nettype wire
