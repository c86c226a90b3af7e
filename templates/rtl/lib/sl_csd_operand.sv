// Operand registers of one row of a signed-digit product, loaded only for digits that are not zero.
//
// GRAIN = 2: one register for both digits of the row. GRAIN = 3: one for each digit.
// Latency: 1 enabled clock; a digit's operand may be an old one where the digit is zero.
`default_nettype none

module sl_csd_operand #(
  parameter int X_BITS = 9,  // width of the signed operand
  parameter int GRAIN = 2
) (
  input  wire                      clk,
  input  wire                      en,
  input  wire signed [X_BITS-1:0]  x,
  input  wire        [1:0]         digits,  // which of the digits 1 and 2 of the row is not zero
  output logic signed [X_BITS-1:0] x1,
  output logic signed [X_BITS-1:0] x2
);

  if (GRAIN == 2) begin : gen_row
    always_ff @(posedge clk) begin
      if (en && |digits) x1 <= x;
    end
    assign x2 = x1;
  end else begin : gen_digits
    always_ff @(posedge clk) begin
      if (en && digits[0]) x1 <= x;
      if (en && digits[1]) x2 <= x;
    end
  end

endmodule

`default_nettype wire
