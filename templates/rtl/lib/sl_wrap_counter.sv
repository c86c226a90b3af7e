// Counter 0, 1, ..., COUNT - 1 and round again, one step a clock with `step`.
`default_nettype none

module sl_wrap_counter #(
  parameter int COUNT = 4,
  localparam int BITS = (COUNT > 1) ? $clog2(COUNT) : 1
) (
  input  wire             clk,
  input  wire             rst,
  input  wire             step,
  output logic [BITS-1:0] count
);

  if (COUNT == 1) begin : gen_constant
    assign count = '0;
    wire unused_control = &{1'b0, clk, rst, step};
  end else begin : gen_count
    always_ff @(posedge clk) begin
      if (rst) count <= '0;
      else if (step) count <= (count == BITS'(COUNT - 1)) ? '0 : count + BITS'(1);
    end
  end

endmodule

`default_nettype wire
