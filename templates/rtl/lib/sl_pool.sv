// Pooling in raster order with stride = kernel, no padding; trailing rows and columns are dropped.
//
//   y[oh,ow,c] = max or sum of x[oh*KH+kh, ow*KW+kw, c] over kh < KH, kw < KW
//
// In: H*W pixels of FOLDS beats, LANES elements of BITS bits a beat. Out: (H/KH)*(W/KW) pixels of
// FOLDS beats, LANES elements of OUT_BITS bits (BITS for max; a sum needs ceil(log2(KH*KW)) bits
// more), signed as the input's. A row memory of (W/KW)*FOLDS words holds the running results.
//
// Timing: the last input beat of an output beat is offered as that 2 clocks after its acceptance.
// One beat a clock in, always; one enable (!m_tvalid || m_tready) moves all stages and is s_tready.
`default_nettype none

module sl_pool #(
  parameter int H         = 4, // input rows
  parameter int W         = 4, // input columns
  parameter int FOLDS     = 1, // beats a pixel
  parameter int LANES     = 1, // elements a beat
  parameter int BITS      = 8, // bits an input element
  parameter int OUT_BITS  = 8, // bits an output element
  parameter int KH        = 2, // kernel rows, and row stride
  parameter int KW        = 2, // kernel columns, and column stride
  parameter int IS_SUM    = 0, // 1: sum, 0: maximum
  parameter int IS_SIGNED = 1  // 1: elements are two's complement, 0: unsigned
) (
  input  wire                       clk,
  input  wire                       rst,
  input  wire  [LANES*BITS-1:0]     s_tdata,
  input  wire                       s_tvalid,
  output logic                      s_tready,
  output logic [LANES*OUT_BITS-1:0] m_tdata,
  output logic                      m_tvalid,
  input  wire                       m_tready
);

  localparam int WORDS = (W / KW) * FOLDS;
  localparam int AW    = (WORDS > 1) ? $clog2(WORDS) : 1;
  localparam int FW    = (FOLDS > 1) ? $clog2(FOLDS) : 1;
  localparam int XW    = (W > 1) ? $clog2(W) : 1;
  localparam int YW    = (H > 1) ? $clog2(H) : 1;
  localparam int KXW   = (KW > 1) ? $clog2(KW) : 1;
  localparam int KYW   = (KH > 1) ? $clog2(KH) : 1;
  localparam int X_END = (W / KW) * KW;  // columns from here on are dropped
  localparam int Y_END = (H / KH) * KH;

  // Position of the beat at the input.
  logic [FW-1:0]  fold_q;
  logic [XW-1:0]  x_q;
  logic [YW-1:0]  y_q;
  logic [KXW-1:0] kx_q;    // x modulo KW
  logic [KYW-1:0] ky_q;    // y modulo KH
  logic [AW-1:0]  addr_q;  // (x / KW) * FOLDS + fold

  wire enable    = !m_tvalid || m_tready;
  wire accept    = s_tvalid && enable;
  wire fold_last = fold_q == FW'(FOLDS - 1);
  wire x_last    = x_q == XW'(W - 1);
  wire y_last    = y_q == YW'(H - 1);
  wire kx_last   = kx_q == KXW'(KW - 1);
  wire ky_last   = ky_q == KYW'(KH - 1);
  wire in_window = ((X_END == W) || (int'(x_q) < X_END)) && ((Y_END == H) || (int'(y_q) < Y_END));
  wire row_last  = fold_last && x_last;

  assign s_tready = enable;

  always_ff @(posedge clk) begin
    if (accept) begin
      fold_q <= fold_last ? '0 : fold_q + FW'(1);
      if (fold_last) begin
        x_q  <= x_last ? '0 : x_q + XW'(1);
        kx_q <= (x_last || kx_last) ? '0 : kx_q + KXW'(1);
      end
      if (row_last) begin
        y_q  <= y_last ? '0 : y_q + YW'(1);
        ky_q <= (y_last || ky_last) ? '0 : ky_q + KYW'(1);
      end
      if (row_last)                   addr_q <= '0;
      else if (fold_last && !kx_last) addr_q <= addr_q - AW'(FOLDS - 1);
      else                            addr_q <= addr_q + AW'(1);
    end
    if (rst) begin
      fold_q <= '0;
      x_q    <= '0;
      y_q    <= '0;
      kx_q   <= '0;
      ky_q   <= '0;
      addr_q <= '0;
    end
  end

  // Second stage: the beat meets the running result of its output beat.
  logic [LANES*BITS-1:0]     beat_q;
  logic [AW-1:0]             result_addr_q;
  logic                      valid_q, first_q, last_q;
  logic                      repeat_q;  // the word read was being written: take what was written
  logic [LANES*OUT_BITS-1:0] stored, written_q, so_far, result;

  always_ff @(posedge clk) begin
    if (enable) begin
      beat_q        <= s_tdata;
      result_addr_q <= addr_q;
      valid_q       <= accept && in_window;
      first_q       <= (kx_q == '0) && (ky_q == '0);
      last_q        <= kx_last && ky_last;
      repeat_q      <= valid_q && (addr_q == result_addr_q);
      written_q     <= result;
      m_tdata       <= result;
      m_tvalid      <= valid_q && last_q;
    end
    if (rst) begin
      valid_q  <= 1'b0;
      m_tvalid <= 1'b0;
    end
  end

  assign so_far = (FOLDS == 1 && repeat_q) ? written_q : stored;

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    wire sign = (IS_SIGNED != 0) && beat_q[i*BITS + BITS-1];
    wire [OUT_BITS-1:0] x = OUT_BITS'($signed({sign, beat_q[i*BITS +: BITS]}));
    wire [OUT_BITS-1:0] y = so_far[i*OUT_BITS +: OUT_BITS];
    if (IS_SUM != 0) begin : gen_sum
      assign result[i*OUT_BITS +: OUT_BITS] = first_q ? x : x + y;
    end else begin : gen_max
      wire x_wins = (IS_SIGNED != 0) ? $signed(x) > $signed(y) : x > y;
      assign result[i*OUT_BITS +: OUT_BITS] = (first_q || x_wins) ? x : y;
    end
  end

  sl_ram #(
    .WIDTH(LANES * OUT_BITS),
    .DEPTH(WORDS)
  ) i_ram (
    .clk   (clk),
    .w_en  (enable && valid_q),
    .w_addr(result_addr_q),
    .w_data(result),
    .r_en  (enable),
    .r_addr(addr_q),
    .r_data(stored)
  );

endmodule

`default_nettype wire
