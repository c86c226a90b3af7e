// Takes beats of ELEMS elements apart into digits, the most significant first.
//
//   beat d of DIGITS = ceil(BITS / DIGIT):  y[i] = x[i][(DIGITS-1-d)*DIGIT +: DIGIT]
//
// where x[i] is extended to DIGITS*DIGIT bits, by its sign if IS_SIGNED.
//
// Timing: as sl_width. m_tvalid 1 clock after acceptance, a digit a clock; the next beat is
// accepted in the clock the last digit is taken. s_tready depends on m_tready combinationally.
`default_nettype none

module sl_digits #(
  parameter int ELEMS     = 6, // elements a beat
  parameter int BITS      = 8, // bits an element
  parameter int DIGIT     = 2, // bits a digit
  parameter int IS_SIGNED = 0  // 1: elements are two's complement
) (
  input  wire                    clk,
  input  wire                    rst,
  input  wire  [ELEMS*BITS-1:0]  s_tdata,
  input  wire                    s_tvalid,
  output logic                   s_tready,
  output logic [ELEMS*DIGIT-1:0] m_tdata,
  output logic                   m_tvalid,
  input  wire                    m_tready
);

  localparam int DIGITS = (BITS + DIGIT - 1) / DIGIT;
  localparam int WIDE   = DIGITS * DIGIT;

  wire [ELEMS*WIDE-1:0] digits;  // in the order they leave, the first one lowest

  for (genvar i = 0; i < ELEMS; i = i + 1) begin : gen_element
    wire          sign = (IS_SIGNED != 0) && s_tdata[i*BITS + BITS - 1];
    wire [WIDE:0] x = {{(WIDE - BITS + 1){sign}}, s_tdata[i*BITS +: BITS]};
    wire          unused_sign = x[WIDE];
    for (genvar d = 0; d < DIGITS; d = d + 1) begin : gen_digit
      assign digits[(d*ELEMS + i)*DIGIT +: DIGIT] = x[(DIGITS-1-d)*DIGIT +: DIGIT];
    end
  end

  sl_width #(.IN_ELEMS(DIGITS), .OUT_ELEMS(1), .BITS(ELEMS * DIGIT)) i_width (
    .clk(clk), .rst(rst), .s_tdata(digits), .s_tvalid(s_tvalid), .s_tready(s_tready),
    .m_tdata(m_tdata), .m_tvalid(m_tvalid), .m_tready(m_tready)
  );

endmodule

`default_nettype wire
