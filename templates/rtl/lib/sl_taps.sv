// Convolution in transposed form: the sums of all taps of each pixel are added along a chain.
//
//   m[oh,ow,c] = b_data[c] +
//                sum over kh, kw of s[oh*SH - PT + kh*DH, ow*SW - PL + kw*DW, (kh,kw), c]
//
// modulo 2**ACC_BITS; taps outside the frame add nothing. In: H*W pixels a frame, each FOLDS beats
// of KH*KW tap sums of LANES channels; element (kh*KW + kw)*LANES + l of fold f is tap (kh, kw) of
// channel f*LANES + l. Out: OH*OW pixels of FOLDS beats of LANES sums.
//
// Structure: the partial sum of an output goes from tap to tap, DW pixels late within a kernel row
// and the rest of DH rows late between two of them; each tap adds its sum on the way. So a step
// takes a pixel's beat for all taps of as many outputs, and only partial sums are stored. Sums
// begin with the bias at tap (0, 0), and after reset also where the first ones would be under way.
// sl_taps_walk has the masks, the idle pixels and the walk's size.
// Memory: synchronous; the bias of a fold one b_en clock after its address.
//
// Throughput: one step a clock; a frame takes ROWS*COLUMNS*FOLDS steps of the walk. Without a
// next frame the outputs to come leave in idle pixels. Latency: 1 clock from the beat of the last
// tap. One enable (!m_tvalid || m_tready) moves all; s_tready is low where it is, and in steps
// without a beat.
`default_nettype none

module sl_taps #(
  parameter int H        = 8,  // input rows
  parameter int W        = 8,  // pixels a row
  parameter int KH       = 3,  // kernel rows
  parameter int KW       = 3,  // kernel pixels a row
  parameter int SH       = 1,  // row stride
  parameter int SW       = 1,  // pixel stride
  parameter int DH       = 1,  // row dilation
  parameter int DW       = 1,  // pixel dilation
  parameter int PT       = 1,  // padding rows on top
  parameter int PL       = 1,  // padding pixels on the left
  parameter int OH       = 8,  // output rows
  parameter int OW       = 8,  // outputs a row
  parameter int FOLDS    = 2,  // beats a pixel
  parameter int LANES    = 2,  // channels a beat
  parameter int BITS     = 12, // width of a tap's sum, signed
  parameter int ACC_BITS = 16, // width of a sum
  localparam int FW = (FOLDS > 1) ? $clog2(FOLDS) : 1
) (
  input  wire                        clk,
  input  wire                        rst,

  input  wire  [KH*KW*LANES*BITS-1:0] s_tdata,
  input  wire                        s_tvalid,
  output logic                       s_tready,

  output logic                       b_en,
  output logic [FW-1:0]              b_addr,  // fold
  input  wire  [LANES*ACC_BITS-1:0]  b_data,

  output logic [LANES*ACC_BITS-1:0]  m_tdata,
  output logic                       m_tvalid,
  input  wire                        m_tready
);

  localparam int SPAN_X  = (KW - 1) * DW;
  localparam int MOST    = ((OW - 1) * SW > SPAN_X) ? (OW - 1) * SW + 1 : SPAN_X + 1;
  localparam int COLUMNS = (W > MOST) ? W : MOST;  // as in sl_taps_walk
  localparam int LEAD    = PT * COLUMNS + PL;  // pixels that outputs begin before a frame
  localparam int WORD    = LANES * ACC_BITS;

  wire          enable = !m_tvalid || m_tready;
  wire          step, emit;
  wire [KH-1:0] row_ok;
  wire [KW-1:0] column_ok;

  sl_taps_walk #(
    .H(H), .W(W), .KH(KH), .KW(KW), .SH(SH), .SW(SW), .DH(DH), .DW(DW), .PT(PT), .PL(PL),
    .OH(OH), .OW(OW), .FOLDS(FOLDS)
  ) i_walk (
    .clk(clk), .rst(rst), .s_tvalid(s_tvalid), .s_tready(s_tready), .ready(enable), .step(step),
    .row_ok(row_ok), .column_ok(column_ok), .emit(emit), .b_en(b_en), .b_addr(b_addr)
  );

  // Partial sums that reach every tap out of a delay, and those that leave it.
  wire [KH*KW*WORD-1:0] late;
  wire [KH*KW*WORD-1:0] leaving;
  wire across_filled, down_filled;
  assign late[0 +: WORD] = b_data;

  for (genvar t = 0; t < KH * KW; t = t + 1) begin : gen_tap
    localparam int ROW = t / KW;
    localparam int COLUMN = t % KW;
    // Pixels that an output has been under way at the tap before.
    localparam int TO_HERE = ROW * DH * COLUMNS + COLUMN * DW;
    localparam int BEFORE = (COLUMN > 0) ? TO_HERE - DW : TO_HERE - DH * COLUMNS + SPAN_X;
    localparam int MAY_BEGIN = (t > 0) && (BEFORE < LEAD) ? 1 : 0;
    wire filled = (COLUMN > 0) ? across_filled : down_filled;
    wire ok = row_ok[ROW] && column_ok[COLUMN];
    wire [WORD-1:0] arriving = ((MAY_BEGIN != 0) && !filled) ? b_data : late[t*WORD +: WORD];
    for (genvar l = 0; l < LANES; l = l + 1) begin : gen_lane
      wire [BITS-1:0] given = s_tdata[(t*LANES+l)*BITS +: BITS];
      wire signed [BITS-1:0] sum = ok ? given : '0;
      assign leaving[(t*LANES+l)*ACC_BITS +: ACC_BITS] =
        arriving[l*ACC_BITS +: ACC_BITS] + ACC_BITS'(sum);
    end
  end

  // One delay for all steps along kernel rows, one for all steps from row to row.
  if (KW > 1) begin : gen_across
    wire [KH*(KW-1)*WORD-1:0] given, taken;
    for (genvar i = 0; i < KH; i = i + 1) begin : gen_row
      assign given[i*(KW-1)*WORD +: (KW-1)*WORD] = leaving[i*KW*WORD +: (KW-1)*WORD];
      assign late[(i*KW+1)*WORD +: (KW-1)*WORD] = taken[i*(KW-1)*WORD +: (KW-1)*WORD];
    end
    sl_delay_line #(.BITS(KH * (KW - 1) * WORD), .CLOCKS(DW * FOLDS)) i_delay (
      .clk(clk), .rst(rst), .en(step), .d(given), .q(taken), .filled(across_filled)
    );
  end else begin : gen_narrow
    assign across_filled = 1'b1;
  end
  if (KH > 1) begin : gen_down
    wire [(KH-1)*WORD-1:0] given, taken;
    for (genvar i = 0; i < KH - 1; i = i + 1) begin : gen_row
      assign given[i*WORD +: WORD] = leaving[(i*KW+KW-1)*WORD +: WORD];
      assign late[(i+1)*KW*WORD +: WORD] = taken[i*WORD +: WORD];
    end
    sl_delay_line #(.BITS((KH - 1) * WORD), .CLOCKS((DH * COLUMNS - SPAN_X) * FOLDS)) i_delay (
      .clk(clk), .rst(rst), .en(step), .d(given), .q(taken), .filled(down_filled)
    );
  end else begin : gen_flat
    assign down_filled = 1'b1;
  end

  always_ff @(posedge clk) begin
    if (rst) m_tvalid <= 1'b0;
    else if (enable) m_tvalid <= step && emit;
  end
  always_ff @(posedge clk) begin
    if (step && emit) m_tdata <= leaving[(KH*KW-1)*WORD +: WORD];
  end

endmodule

`default_nettype wire
