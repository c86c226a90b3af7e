// sl_csd_multiply gives the same product with every GATE, for all rows that are codes.
`default_nettype none

module same_product #(
  parameter int X_BITS = 8,
  parameter int X_SIGNED = 0,
  parameter int ROWS = 4,
  localparam int CLOCKS = 1 + $clog2(ROWS),
  localparam int P_BITS = X_BITS + 2 * ROWS + ((X_SIGNED != 0) ? 0 : 1)
) (
  input wire              clk,
  input wire              en,
  input wire [X_BITS-1:0] x,
  input wire [3*ROWS-1:0] rows
);

  for (genvar r = 0; r < ROWS; r = r + 1) begin : gen_row
    wire [2:0] code = rows[3*r +: 3];
    always_comb assume (code != 3'b011 && code != 3'b100 && code != 3'b111);
  end

  logic [CLOCKS-1:0] known_q = '0;
  always_ff @(posedge clk) if (en) known_q <= CLOCKS'({known_q, 1'b1});

  wire [4*P_BITS-1:0] products;
  for (genvar g = 0; g < 4; g = g + 1) begin : gen_gate
    sl_csd_multiply #(.X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .ROWS(ROWS), .GATE(g)) i_multiply (
      .clk(clk), .en(en), .x(x), .rows(rows), .p(products[g*P_BITS +: P_BITS])
    );
    always_comb if (known_q[CLOCKS-1]) begin
      assert (products[g*P_BITS +: P_BITS] == products[P_BITS-1:0]);
    end
  end

endmodule

`default_nettype wire
