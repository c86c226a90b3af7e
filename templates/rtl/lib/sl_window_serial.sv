// Sliding window over deep feature maps: reads the taps of every output in turn from a memory.
//
//   y[oh,ow,kh,kw,c] = x[oh*SH - PT + kh*DH, ow*SW - PL + kw*DW, c] or, out of frame, PAD_VALUE
//
// In: H*W pixels a frame, each C/SIMD beats of SIMD elements of BITS bits. Out: for every output
// pixel and each of the GROUPS groups of channels NF times KH*KW*C/GROUPS/SIMD beats of SIMD
// elements, in the order (group, pass, kh, kw, c). Bottom and right padding follow from OH and OW.
//
// Structure: a ring of 2**AW words, at least ROWS rows, written and read at linear addresses modulo
// 2**AW, so that neither rows nor frames wrap. sl_window_walk gives the step from a tap's address
// to the next; two counters of words, held against the word that is written next, tell whether the
// tap has arrived and whether the ring has space. Padding is the reset value of the ring's output.
//
// Throughput: one beat a clock, in and out, without a pause between pixels, rows and frames, where
// the taps have arrived. A tap that is padding waits for nothing, so the last rows flush by
// themselves. With AWAIT, the padding before the first pixel of a frame waits for the first beat:
// no beat is ahead of the frame that it belongs to. A word is free once no output to come needs it:
// the ring holds the words from tap (0, 0) of the current output on, padding above and left of the
// frame included.
//
// Latency: a tap accepted in clock t is offered in clock t+2. s_tready depends on registers only.
//
// Needs SIMD | C/GROUPS, PT <= (KH-1)*DH, PL <= (KW-1)*DW, (OH-1)*SH - PT < H, (OW-1)*SW - PL < W
// and in every window a tap inside the frame.
`default_nettype none

module sl_window_serial #(
  parameter int H         = 8,   // input rows
  parameter int W         = 8,   // input columns
  parameter int C         = 16,  // elements a pixel
  parameter int BITS      = 8,   // bits an element
  parameter int KH        = 3,   // kernel rows
  parameter int KW        = 3,   // kernel columns
  parameter int SH        = 1,   // row stride
  parameter int SW        = 1,   // column stride
  parameter int DH        = 1,   // rows from a kernel row to the next
  parameter int DW        = 1,   // columns from a kernel column to the next
  parameter int PT        = 1,   // padding rows on top
  parameter int PL        = 1,   // padding columns on the left
  parameter int OH        = 8,   // output rows
  parameter int OW        = 8,   // output columns
  parameter int SIMD      = 8,   // elements a beat
  parameter int GROUPS    = 1,   // groups of channels
  parameter int NF        = 1,   // passes over a group's window
  parameter int ROWS      = 4,   // rows that the ring holds at least
  parameter int PAD_VALUE = 0,   // an element of padding
  parameter int AWAIT     = 0    // 1: padding waits for its frame to begin
) (
  input  wire                  clk,
  input  wire                  rst,
  input  wire  [SIMD*BITS-1:0] s_tdata,
  input  wire                  s_tvalid,
  output logic                 s_tready,
  output logic [SIMD*BITS-1:0] m_tdata,
  output logic                 m_tvalid,
  input  wire                  m_tready
);

  localparam int PIXEL   = C / SIMD;                              // words a pixel
  localparam int REACH   = ((KW - 1) * DW < W - 1 + PL) ? (KW - 1) * DW : W - 1 + PL;
  localparam int NEEDED  = ((KH - 1) * DH * W + REACH + 1) * PIXEL;  // words of a window in a row
  localparam int HELD    = (ROWS * W * PIXEL > NEEDED) ? ROWS * W * PIXEL : NEEDED;
  localparam int AW      = (HELD > 1) ? $clog2(HELD) : 1;
  localparam int SPAN    = ((KH - 1) * DH * W + (KW - 1) * DW + 1) * PIXEL;
  localparam int NEXT    = H - (OH - 1) * SH;                     // rows to the next frame's first
  localparam int MOVE    = ((NEXT > SH) ? NEXT : SH) * W * PIXEL + SW * PIXEL;
  localparam int FULL    = (1 << AW) + PL * PIXEL;
  localparam int RW      = $clog2(((FULL > SPAN + MOVE) ? FULL : SPAN + MOVE) + 1) + 1;
  localparam int FIRST   = (PT * W + PL) * PIXEL; // words from tap (0, 0) to pixel 0

  logic [AW-1:0]        w_addr_q, r_addr_q;
  logic signed [RW-1:0] held_q;    // words written, counted from tap (0, 0) of the output
  logic signed [RW-1:0] ahead_q;   // words written after the tap that is read next
  logic signed [RW-1:0] tap_move;  // from this tap to the next, negated
  logic signed [RW-1:0] window_move;
  logic                 walking, in_frame, opening;

  wire write = s_tvalid && s_tready;
  wire free  = !m_tvalid || m_tready;
  wire begun = (AWAIT == 0) || !opening || (held_q > $signed(RW'(FIRST)));
  wire read  = walking && free && begun && (!in_frame || !ahead_q[RW-1]);
  wire step  = read || !walking;

  // Fewer than 2**AW words are held.
  assign s_tready = held_q[RW-1] || (held_q[RW-2:AW] == '0);

  sl_window_walk #(
    .H(H), .W(W), .KH(KH), .KW(KW), .SH(SH), .SW(SW), .DH(DH), .DW(DW), .PT(PT), .PL(PL),
    .OH(OH), .OW(OW), .PIXEL(PIXEL), .GROUPS(GROUPS), .NF(NF), .BITS(RW)
  ) i_walk (
    .clk(clk), .rst(rst), .step(step), .walking(walking), .in_frame(in_frame), .opening(opening),
    .tap_move(tap_move), .window_move(window_move)
  );

  // Sums of three: a carry into the bit below bit 0 adds `write`.
  wire [RW:0] held_d  = {held_q, 1'b1} + {step ? window_move : RW'(0), write};
  wire [RW:0] ahead_d = {ahead_q, 1'b1} + {step ? tap_move : RW'(0), write};
  wire unused_carries = &{1'b0, held_d[0], ahead_d[0]};

  always_ff @(posedge clk) begin
    held_q  <= held_d[RW:1];
    ahead_q <= ahead_d[RW:1];
    if (write) w_addr_q <= w_addr_q + AW'(1);
    if (step)  r_addr_q <= r_addr_q - tap_move[AW-1:0];
    if (free)  m_tvalid <= read;
    if (rst) begin
      held_q   <= RW'(FIRST);
      ahead_q  <= RW'(FIRST - 1);
      w_addr_q <= AW'(FIRST);
      r_addr_q <= '0;
      m_tvalid <= 1'b0;
    end
  end

  sl_pad_ram #(.ELEMS(SIMD), .BITS(BITS), .DEPTH(1 << AW), .PAD_VALUE(PAD_VALUE)) i_ring (
    .clk(clk), .w_en(write), .w_addr(w_addr_q), .w_data(s_tdata),
    .r_en(step), .r_pad(!in_frame), .r_addr(r_addr_q), .r_data(m_tdata)
  );

endmodule

`default_nettype wire
