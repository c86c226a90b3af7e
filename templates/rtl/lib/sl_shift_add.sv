// The sum of the base-4 digit rows of a product: p = a * b, by shifts and additions only.
//
// Without a level, b is one digit and p the multiple 0, a, 2a or a3 = 3a, unregistered. With
// LEVELS > 0, b is cut into 2**LEVELS low bits and the rest; both products come from the module
// itself with one level less, and their sum is registered.
//
// Latency: LEVELS enabled clocks from a, a3 and b together. Throughput: one product a clock.
`default_nettype none

module sl_shift_add #(
  parameter int A_BITS = 20, // width of the signed factor
  parameter int B_BITS = 8,  // width of the unsigned factor, at most 2**(LEVELS + 1)
  parameter int LEVELS = 2,  // registered additions
  localparam int P_BITS = A_BITS + B_BITS
) (
  input  wire                      clk,
  input  wire                      en,
  input  wire signed [A_BITS-1:0]  a,
  input  wire signed [A_BITS+1:0]  a3, // 3a
  input  wire        [B_BITS-1:0]  b,
  output logic signed [P_BITS-1:0] p
);

  localparam int LOW = 1 << LEVELS;  // low bits of b, when there is a level

  if (B_BITS == 1 && LEVELS == 0) begin : gen_bit
    assign p = b[0] ? P_BITS'(a) : '0;
    wire unused_inputs = &{1'b0, clk, en, a3};
  end else if (LEVELS == 0) begin : gen_digit
    always_comb begin
      case (b)
        2'd0: p = '0;
        2'd1: p = P_BITS'(a);
        2'd2: p = P_BITS'(a) <<< 1;
        default: p = a3;
      endcase
    end
    wire unused_control = &{1'b0, clk, en};
  end else if (B_BITS <= LOW) begin : gen_delay
    wire signed [P_BITS-1:0] low;
    sl_shift_add #(.A_BITS(A_BITS), .B_BITS(B_BITS), .LEVELS(LEVELS - 1)) i_low (
      .clk(clk), .en(en), .a(a), .a3(a3), .b(b), .p(low)
    );
    always_ff @(posedge clk) begin
      if (en) p <= low;
    end
  end else begin : gen_level
    wire signed [A_BITS+LOW-1:0] low;
    wire signed [P_BITS-LOW-1:0] high;
    sl_shift_add #(.A_BITS(A_BITS), .B_BITS(LOW), .LEVELS(LEVELS - 1)) i_low (
      .clk(clk), .en(en), .a(a), .a3(a3), .b(b[LOW-1:0]), .p(low)
    );
    sl_shift_add #(.A_BITS(A_BITS), .B_BITS(B_BITS - LOW), .LEVELS(LEVELS - 1)) i_high (
      .clk(clk), .en(en), .a(a), .a3(a3), .b(b[B_BITS-1:LOW]), .p(high)
    );
    wire signed [A_BITS-1:0] carried = low[A_BITS+LOW-1:LOW];
    always_ff @(posedge clk) begin
      if (en) p <= {high + (P_BITS-LOW)'(carried), low[LOW-1:0]};
    end
  end

endmodule

`default_nettype wire
