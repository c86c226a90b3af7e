// Engine that runs a program over a whole network: R neurons, each fed with R activations a clock.
//
// All maps lie in one neuron buffer of DEPTH words of R lanes: a map of H x W pixels has the word
// of block b (channels b*R to b*R + R-1) and pixel p at base + b*H*W + p. A clock broadcasts one
// word to all neurons, each with R weights of its own. An instruction computes one layer:
//
//   for each pixel, for each co, for each step of its list: acc[n] += dot(word, weights[n])
//
// from the bias row on, then sl_engine_post and a write of the word (pixel, co); or the maximum of
// the words; or the sums leave as a beat of the output. A word outside the map is PAD.
//
// Program word, 32 fields of 32 bits: 0 FLAGS: pool, stored lanes signed, rewind, residual, emit,
// last of the frame, input free afterwards, residual signed; 1 STEP, 2 CO, 3 PARAM, 4 NY, 5 NX,
// 6 ADDR, 7 STEP_X, 8 STEP_Y, 9 IY0, 10 IX0, 11 SY, 12 SX, 13 H, 14 W, 15 PAD, 16 SHIFT, 17 LO,
// 18 HI, 19 ZERO, 20 M1, 21 M2, 22 ADD, 23 SHIFT2, 24 LO2, 25 HI2, 26 ZERO2, 27 DST, 28 DST_CO,
// 29 RES, 30 RES_CO, 31 WEIGHT. sl_engine_walk says how steps, addresses and taps follow. The word
// of weights of a pixel's step i is WEIGHT + i, its parameter row PARAM + co.
//
// Input: IN_PIXELS pixels of IN_BEATS beats of IN_E elements of LANE bits; word (b, p) goes to
// IN_BASE + b*IN_PIXELS + p once the map is free. The program starts when the frame is complete;
// exactly one instruction of it frees the input. Output: R sums a beat, by pixel, then co.
//
// Clocks of an instruction with S steps over all co of a pixel:
//   NY*NX * (S + (residual ? CO : 0)) + X, where X = 21 + L of a convolution, 20 + L with a
//   residual, 6 + L of one that emits and is not held up, 6 of a pool, and
//   L = clog2(R) + (SHIFT_W ? 0 : 1).
// The instructions of a frame follow one another at once. The first one starts 2 clocks after the
// last beat of the input was taken, or behind the former frame where that is later. Input words
// wait for the clocks in which results are written.
//
// An emitting walk is held up only while CREDITS beats are on their way or wait for m_tready.
// Needs R a power of two, DEPTH <= 65536, F_BITS and K_BITS <= 32. bias, scale, w, step and prog
// are synchronous memories.
`default_nettype none

module sl_dadiannao #(
  parameter int R = 8,           // lanes of a word, and neurons
  parameter int LANE = 8,        // stored bits of an activation
  parameter int X_BITS = 8,      // operand of the array: LANE, or LANE + 1 for maps of both kinds
  parameter int X_SIGNED = 0,    // 1: operands are two's complement
  parameter int W_BITS = 3,      // width of a weight
  parameter int SHIFT_W = 1,     // 1: weights are codes
  parameter int ACC_BITS = 24,   // width of a sum
  parameter int M_BITS = 8,      // width of the unsigned multiplier of a channel
  parameter int C_BITS = 0,      // width of the signed offset of a channel, 0: none
  parameter int F_BITS = 16,     // width of M1 and M2
  parameter int K_BITS = 24,     // width of ADD
  parameter int DEPTH = 1024,    // words of the neuron buffer
  parameter int PROGRAM = 4,     // instructions
  parameter int STEPS = 64,      // entries of the step memory
  parameter int WEIGHTS = 64,    // words of the weight memory
  parameter int PARAMS = 8,      // rows of the parameter memories
  parameter int IN_E = 4,        // elements of an input beat
  parameter int IN_BEATS = 1,    // beats of a pixel
  parameter int IN_PIXELS = 64,  // pixels of a frame
  parameter int IN_BASE = 0,     // word address of the input map
  parameter int IN_BLOCKS = 1,   // its blocks, ceil(IN_E * IN_BEATS / R)
  localparam int PA = (PROGRAM > 1) ? $clog2(PROGRAM) : 1,
  localparam int SA = (STEPS > 1) ? $clog2(STEPS) : 1,
  localparam int WA = (WEIGHTS > 1) ? $clog2(WEIGHTS) : 1,
  localparam int RA = (PARAMS > 1) ? $clog2(PARAMS) : 1
) (
  input  wire                             clk,
  input  wire                             rst,

  input  wire  [IN_E*LANE-1:0]            s_tdata,
  input  wire                             s_tvalid,
  output logic                            s_tready,

  output logic                            prog_en,
  output logic [PA-1:0]                   prog_addr,
  input  wire  [1023:0]                   prog_data,
  output logic                            step_en,
  output logic [SA-1:0]                   step_addr,
  input  wire  [63:0]                     step_data,
  output logic                            w_en,
  output logic [WA-1:0]                   w_addr,
  input  wire  [R*R*W_BITS-1:0]           w_data,
  output logic                            bias_en,
  output logic [RA-1:0]                   bias_addr,
  input  wire  [R*ACC_BITS-1:0]           bias_data,
  output logic                            scale_en,
  output logic [RA-1:0]                   scale_addr,
  input  wire  [R*(C_BITS+M_BITS)-1:0]    scale_data,

  output logic [R*ACC_BITS-1:0]           m_tdata,
  output logic                            m_tvalid,
  input  wire                             m_tready
);

  localparam int AW = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam int V = LANE + 2;
  localparam int CREDITS = 16;
  localparam int CW = $clog2(CREDITS + 1);
  localparam int DOT = $clog2(R) + ((SHIFT_W != 0) ? 0 : 1);  // clocks of a dot product
  localparam int FLIGHT = 7;  // bits of the number of lists under way: a clock each at most

  // The instruction: the program memory holds it while it runs.
  wire pool = prog_data[0];
  wire stored_signed = prog_data[1];
  wire residual = prog_data[3];
  wire emit = prog_data[4];
  wire last_of_frame = prog_data[5];
  wire frees_input = prog_data[6];
  wire [15:0] co_count = prog_data[2*32 +: 16];
  wire [X_BITS-1:0] pad = prog_data[15*32 +: X_BITS];
  wire unused_fields = &{1'b0, prog_data};

  // Sequence: fetch a program word, start its walk, wait for its last result.
  typedef enum logic [1:0] {FETCH, START, RUN} state_t;
  state_t state_q;
  logic [PA-1:0] pc_q;
  logic full_q;  // the input map holds a frame
  logic [FLIGHT-1:0] pending_q;
  wire start = state_q == START;
  wire walking, taken, list_ends, retire, word_last, store;
  wire done = state_q == RUN && !walking && retire && pending_q == FLIGHT'(1);

  assign prog_en = state_q == FETCH && (pc_q != '0 || full_q);
  assign prog_addr = pc_q;

  always_ff @(posedge clk) begin
    case (state_q)
      FETCH: if (prog_en) state_q <= START;
      START: state_q <= RUN;
      default: if (done) state_q <= FETCH;
    endcase
    if (done) pc_q <= last_of_frame ? '0 : pc_q + PA'(1);
    if (done && frees_input) full_q <= 1'b0;
    if (store && word_last) full_q <= 1'b1;
    if (list_ends != retire) pending_q <= pending_q + (list_ends ? FLIGHT'(1) : {FLIGHT{1'b1}});
    if (rst) begin
      state_q <= FETCH;
      pc_q <= '0;
      full_q <= 1'b0;
      pending_q <= '0;
    end
  end

  // Walk: one word to read a clock.
  logic [CW-1:0] credits_q;
  wire read, step_read, step_last, step_restart, step_inside;
  wire [AW-1:0] read_addr;
  sl_engine_walk #(.AW(AW), .STEPS(STEPS)) i_walk (
    .clk(clk), .rst(rst), .start(start),
    .step_base(prog_data[1*32 +: SA]), .co_count(co_count), .ny(prog_data[4*32 +: 16]),
    .nx(prog_data[5*32 +: 16]), .origin(prog_data[6*32 +: AW]), .step_x(prog_data[7*32 +: AW]),
    .step_y(prog_data[8*32 +: AW]), .iy0(prog_data[9*32 +: 16]), .ix0(prog_data[10*32 +: 16]),
    .sy(prog_data[11*32 +: 16]), .sx(prog_data[12*32 +: 16]), .h(prog_data[13*32 +: 16]),
    .w(prog_data[14*32 +: 16]), .rewind(prog_data[2]), .residual(residual),
    .res(prog_data[29*32 +: AW]), .res_co(prog_data[30*32 +: AW]),
    .step_en(step_en), .step_addr(step_addr), .step_data(step_data),
    .hold(emit && credits_q == '0), .walking(walking), .taken(taken), .list_ends(list_ends),
    .read(read), .addr(read_addr), .step_read(step_read),
    .step_last(step_last), .step_restart(step_restart), .step_inside(step_inside)
  );

  // Neuron buffer: results go before input words.
  wire result_valid, word_valid;
  wire [R*LANE-1:0] result, word, read_data;
  wire [AW-1:0] result_addr, store_addr;
  wire [((IN_BLOCKS > 1) ? $clog2(IN_BLOCKS) : 1)-1:0] word_block;
  wire [((IN_PIXELS > 1) ? $clog2(IN_PIXELS) : 1)-1:0] word_pixel;
  assign store = word_valid && !full_q && !result_valid;
  sl_ram #(.WIDTH(R * LANE), .DEPTH(DEPTH)) i_buffer (
    .clk(clk), .w_en(result_valid || store), .w_addr(result_valid ? result_addr : store_addr),
    .w_data(result_valid ? result : word), .r_en(read), .r_addr(read_addr), .r_data(read_data)
  );

  sl_engine_ingest #(
    .R(R), .LANE(LANE), .E(IN_E), .BEATS(IN_BEATS), .PIXELS(IN_PIXELS)
  ) i_ingest (
    .clk(clk), .rst(rst), .s_tdata(s_tdata), .s_tvalid(s_tvalid), .s_tready(s_tready),
    .word(word), .word_valid(word_valid), .word_ready(store), .word_block(word_block),
    .word_pixel(word_pixel), .word_last(word_last)
  );
  sl_engine_place #(.AW(AW)) i_store (
    .clk(clk), .load(rst || (store && word_last)), .base(AW'(IN_BASE)), .stride(AW'(IN_PIXELS)),
    .blocks(16'(IN_BLOCKS)), .step(store), .addr(store_addr)
  );

  // Operands: lanes extended, padding outside.
  logic step_d_q, last_d_q, restart_d_q, inside_d_q;  // beside the word out of the buffer
  logic step_q, last_q, restart_q;                    // beside the operands
  logic [R*X_BITS-1:0] x_q;
  logic [WA-1:0] w_addr_q;
  assign w_en = step_d_q;
  assign w_addr = w_addr_q;
  always_ff @(posedge clk) begin
    step_d_q <= step_read;
    last_d_q <= step_last;
    restart_d_q <= step_restart;
    inside_d_q <= step_inside;
    step_q <= step_d_q;
    last_q <= last_d_q;
    restart_q <= restart_d_q;
    if (step_d_q) w_addr_q <= w_addr_q + WA'(1);
    if (start || (step_d_q && restart_d_q)) w_addr_q <= prog_data[31*32 +: WA];
    if (rst) begin
      step_d_q <= 1'b0;
      step_q <= 1'b0;
    end
  end
  for (genvar l = 0; l < R; l = l + 1) begin : gen_operand
    wire [LANE-1:0] lane = read_data[l*LANE +: LANE];
    wire sign = stored_signed && lane[LANE-1];
    always_ff @(posedge clk) x_q[l*X_BITS +: X_BITS] <= inside_d_q ? X_BITS'({sign, lane}) : pad;
  end

  // Sums, maxima, and what becomes of them.
  wire sums_valid, max_valid, y_valid;
  wire [R*ACC_BITS-1:0] sums;
  wire [R*LANE-1:0] max, res_word, y;
  sl_neurons #(
    .R(R), .C(R), .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .W_BITS(W_BITS), .SHIFT_W(SHIFT_W),
    .ACC_BITS(ACC_BITS), .PARAMS(PARAMS)
  ) i_neurons (
    .clk(clk), .rst(rst), .start(start), .row_base(prog_data[3*32 +: RA]),
    .in_valid(step_q && !pool), .in_last(last_q), .in_restart(restart_q), .x(x_q), .w(w_data),
    .bias_en(bias_en), .bias_addr(bias_addr), .bias_data(bias_data), .scale_en(scale_en),
    .scale_addr(scale_addr), .sums_valid(sums_valid), .sums(sums)
  );
  sl_max_reduce #(
    .LANES(R), .BITS(X_BITS), .IS_SIGNED(X_SIGNED), .OUT_BITS(LANE)
  ) i_max (
    .clk(clk), .rst(rst), .in_valid(step_q && pool), .in_last(last_q), .x(x_q),
    .m_valid(max_valid), .m(max)
  );
  sl_delay #(.BITS(R * LANE), .CLOCKS(DOT + 1)) i_residual (
    .clk(clk), .en(1'b1), .d(read_data), .q(res_word)
  );
  sl_engine_post #(
    .LANES(R), .LANE(LANE), .ACC_BITS(ACC_BITS), .M_BITS(M_BITS), .C_BITS(C_BITS),
    .F_BITS(F_BITS), .K_BITS(K_BITS)
  ) i_post (
    .clk(clk), .rst(rst), .in_valid(sums_valid && !emit), .acc(sums), .scale(scale_data),
    .res(res_word), .shift(prog_data[16*32 +: 8]), .lo(prog_data[17*32 +: V]),
    .hi(prog_data[18*32 +: V]), .zero(prog_data[19*32 +: V]), .residual(residual),
    .res_signed(prog_data[7]), .m1(prog_data[20*32 +: F_BITS]), .m2(prog_data[21*32 +: F_BITS]),
    .add(prog_data[22*32 +: K_BITS]), .shift2(prog_data[23*32 +: 8]),
    .lo2(prog_data[24*32 +: V]), .hi2(prog_data[25*32 +: V]), .zero2(prog_data[26*32 +: V]),
    .out_valid(y_valid), .y(y)
  );
  sl_engine_place #(.AW(AW)) i_results (
    .clk(clk), .load(start), .base(prog_data[27*32 +: AW]), .stride(prog_data[28*32 +: AW]),
    .blocks(co_count), .step(result_valid), .addr(result_addr)
  );
  wire given = sums_valid && emit;
  assign result_valid = max_valid || y_valid;
  assign result = max_valid ? max : y;
  assign retire = result_valid || given;

  // Output: the walk takes a credit for each beat, so there is always room.
  wire room;
  sl_fifo #(.WIDTH(R * ACC_BITS), .DEPTH(CREDITS)) i_output (
    .clk(clk), .rst(rst), .s_tdata(sums), .s_tvalid(given), .s_tready(room), .m_tdata(m_tdata),
    .m_tvalid(m_tvalid), .m_tready(m_tready)
  );
  wire takes = taken && emit;
  wire gives = m_tvalid && m_tready;
  always_ff @(posedge clk) begin
    if (takes != gives) credits_q <= credits_q + (gives ? CW'(1) : {CW{1'b1}});
    if (rst) credits_q <= CW'(CREDITS);
  end
  wire unused_outputs = &{1'b0, room, word_block, word_pixel};

endmodule

`default_nettype wire
