// Sliding window over frames in raster order, with stride and padding, for convolutions.
//
//   y[oh,ow,kh,kw,c] = x[oh*SH - PT + kh, ow*SW - PL + kw, c] inside the frame, else PAD_VALUE
//
// In: H*W pixels a frame, one (C elements of BITS bits) a beat. Out: for every output pixel NF
// times SF = KH*KW*C/SIMD beats of SIMD elements, in the order (kh, kw, c). Bottom and right
// padding follow from OH and OW. The limits of the parameters stand in sl_window_scan.
// Elements may come in digits, as from sl_digits: DIGITS beats a pixel, of BITS bits a digit. An
// output is then DIGITS windows, each of one digit of all its elements, and so given NF times.
//
// Structure: row banks -> column register -> rotated column -> shift window -> hold -> slices. The
// scan of columns runs on through rows and frames, and the shift window moves on while the slices
// of the held one are given.
//
// Throughput: a step (one column, a digit of KH pixels) a clock. An output row takes SLOTS steps
// (W*DIGITS, more where padding demands it, fewer where trailing columns are not needed; see
// sl_window_scan) or OW*DIGITS*SF*NF clocks, whichever is more, without a pause between rows and
// frames. A frame therefore takes max(H*W*DIGITS, OH * that) clocks, if the row banks hold what the
// first output row of the next frame needs while the last one is scanned:
// ROWS >= KH + H - (OH-1)*SH. With fewer, s_tready falls when all banks are in use; it depends on
// registers only, never on m_tready.
//
// Latency: a beat accepted in clock t can be read in clock t+1; a step made in clock t gives its
// window's first beat in clock t+3 (SF = 1) or t+4 (SF > 1). So from the newest beat of a window
// that was waited for to its first beat it is 4 or 5 clocks.
`default_nettype none

module sl_window #(
  parameter int H         = 28,  // input rows
  parameter int W         = 28,  // pixels a row
  parameter int C         = 1,   // elements a pixel
  parameter int BITS      = 8,   // bits an element, or a digit of one
  parameter int KH        = 5,   // kernel rows
  parameter int KW        = 5,   // kernel pixels a row
  parameter int SH        = 1,   // row stride
  parameter int SW        = 1,   // pixel stride
  parameter int PT        = 2,   // padding rows on top
  parameter int PL        = 2,   // padding pixels on the left
  parameter int OH        = 28,  // output rows
  parameter int OW        = 28,  // outputs a row
  parameter int SIMD      = 25,  // elements an output beat
  parameter int NF        = 1,   // passes over a window
  parameter int ROWS      = 6,   // row banks, KH+1 or more
  parameter int PAD_VALUE = 0,   // an element of padding, or each digit of one
  parameter int DIGITS    = 1    // beats a pixel
) (
  input  wire                  clk,
  input  wire                  rst,
  input  wire  [C*BITS-1:0]    s_tdata,
  input  wire                  s_tvalid,
  output logic                 s_tready,
  output logic [SIMD*BITS-1:0] m_tdata,
  output logic                 m_tvalid,
  input  wire                  m_tready
);

  localparam int PIXEL  = C * BITS;
  localparam int COLUMN = KH * PIXEL;
  localparam int AW     = (W * DIGITS > 1) ? $clog2(W * DIGITS) : 1;
  localparam int BW     = (ROWS > 1) ? $clog2(ROWS) : 1;
  localparam int NW     = (OW * DIGITS > 1) ? $clog2(OW * DIGITS) : 1;

  logic [AW-1:0]         w_column, column;
  logic                  w_row, step, emit, window_ready;
  logic [BW-1:0]         bank;
  logic [KH-1:0]         row_ok;
  logic [KW-1:0]         column_ok;  // the kernel columns inside the frame
  wire  [KW*COLUMN-1:0]  columns;    // the window, oldest column first
  wire  [KW*COLUMN-1:0]  window;     // in output order, with the padding
  logic [NW-1:0]         ow;         // which window of its output row it is

  // The two column registers: a is out of the banks, b is rotated and the newest of the window.
  logic a_valid_q, a_emit_q, b_valid_q, b_emit_q;
  wire  give   = b_valid_q && b_emit_q;
  wire  b_free = !give || window_ready;
  wire  a_free = !a_valid_q || b_free;

  always_ff @(posedge clk) begin
    if (a_free) begin
      a_valid_q <= step;
      a_emit_q  <= emit;
    end
    if (b_free) begin
      b_valid_q <= a_valid_q;
      b_emit_q  <= a_emit_q;
    end
    if (rst) begin
      a_valid_q <= 1'b0;
      b_valid_q <= 1'b0;
    end
  end

  sl_window_scan #(
    .H(H), .W(W), .KH(KH), .KW(KW), .SH(SH), .SW(SW), .PT(PT), .PL(PL), .OH(OH), .OW(OW),
    .ROWS(ROWS), .DIGITS(DIGITS)
  ) i_scan (
    .clk(clk), .rst(rst), .w_column(w_column), .w_row(w_row), .w_space(s_tready), .ready(a_free),
    .step(step), .column(column), .bank(bank), .row_ok(row_ok), .emit(emit)
  );

  sl_window_rows #(
    .W(W * DIGITS), .C(C), .BITS(BITS), .KH(KH), .ROWS(ROWS), .PAD_VALUE(PAD_VALUE)
  ) i_rows (
    .clk(clk), .rst(rst), .write(s_tvalid && s_tready), .w_pixel(s_tdata), .w_column(w_column),
    .w_row(w_row), .read(step), .column(column), .bank(bank), .row_ok(row_ok),
    .move(a_valid_q && b_free), .pixels(columns[(KW-1)*COLUMN +: COLUMN])
  );

  for (genvar j = 0; j < KW - 1; j = j + 1) begin : gen_shift
    // The same digit of the pixel before, so DIGITS columns back. Where those are a chain, the
    // reset keeps them in flip-flops: a shift register takes a LUT, which is scarcer.
    logic [DIGITS*COLUMN-1:0] back_q;
    always_ff @(posedge clk) begin
      if (b_valid_q && b_free) begin
        back_q <= (DIGITS*COLUMN)'({columns[(j+1)*COLUMN +: COLUMN], back_q} >> COLUMN);
      end
      if (rst && DIGITS > 1) back_q <= '0;
    end
    assign columns[j*COLUMN +: COLUMN] = back_q[COLUMN-1:0];
  end

  sl_wrap_counter #(.COUNT(OW * DIGITS)) i_ow (
    .clk(clk), .rst(rst), .step(give && window_ready), .count(ow)
  );

  for (genvar j = 0; j < KW; j = j + 1) begin : gen_column
    // Kernel column j is inside the frame for output columns FROM .. TO.
    localparam int FROM = (PL > j) ? (PL - j + SW - 1) / SW : 0;
    localparam int TO   = (W + PL > j) ? (W - 1 + PL - j) / SW : -1;
    wire left  = (FROM > 0) && (int'(ow) < FROM * DIGITS);
    wire right = (TO < OW - 1) && (int'(ow) >= (TO + 1) * DIGITS);
    assign column_ok[j] = !left && !right;
    for (genvar k = 0; k < KH; k = k + 1) begin : gen_tap
      assign window[(k*KW + j)*PIXEL +: PIXEL] =
        column_ok[j] ? columns[(j*KH + k)*PIXEL +: PIXEL] : {C{BITS'(PAD_VALUE)}};
    end
  end

  sl_window_slice #(.BITS(SIMD * BITS), .SF(KH * KW * C / SIMD), .NF(NF)) i_slice (
    .clk(clk), .rst(rst), .s_tdata(window), .s_tvalid(give), .s_tready(window_ready),
    .m_tdata(m_tdata), .m_tvalid(m_tvalid), .m_tready(m_tready)
  );

endmodule

`default_nettype wire
