// Systolic engine: a program of tiles over networks in external memory.
//
// Five sequencers walk their own programs side by side: tiles are loaded into two buffers in turns,
// weights read ahead and decoded beside the array, residuals read ahead, tiles computed, results
// stored. They wait for each other by counts only: segments loaded, tiles of weights, room for
// results, stores complete. Input frames are written to memory while the frame before is computed.
// docs/engines.md has the programs and the layout of the memory.
//
// Stream: input beats of IN_E bytes, IN_BEATS a pixel; output beats of C sums of ACC_BITS bits.
// Memory: port 0 loads tiles and stores results, port 1 reads residuals and writes the input, the
// others read weights. Vectors hold the ports side by side, port 0 in the low bits.
//
// rst drops all frames; transfers under way on the bus are finished first. bus_rst resets the bus.
// memory_error: a transfer was answered SLVERR or DECERR; it stays until rst.
`default_nettype none

module sl_systolic #(
  parameter int R = 8,            // rows of the array: lanes a word
  parameter int C = 8,            // columns: outputs a tile, a multiple of R
  parameter int STATIONARY = 0,   // 0: weights stay, 1: outputs stay
  parameter int X_BITS = 8,       // operand of the array: 8 or 9
  parameter int X_SIGNED = 0,
  parameter int W_BITS = 3,
  parameter int SHIFT_W = 1,      // 1: weights are 3-bit codes
  parameter int ACC_BITS = 24,
  parameter int M_BITS = 8,
  parameter int C_BITS = 0,
  parameter int F_BITS = 16,
  parameter int K_BITS = 24,
  parameter int PIXELS = 64,      // most pixels of a tile
  parameter int BUFFER = 256,     // words of a tile buffer, a power of two from 2 on
  parameter int PROGRAM = 4,      // instructions
  parameter int LOADS = 4,
  parameter int WPROGRAM = 4,
  parameter int RPROGRAM = 0,
  parameter int SPROGRAM = 4,
  parameter int STEPS = 16,       // entries of the step memory
  parameter int PARAMS = 4,       // parameter rows
  parameter int WPORTS = 1,       // memory ports for weights
  parameter int IN_E = 3,         // elements an input beat
  parameter int IN_BEATS = 1,     // beats a pixel
  parameter int IN_PIXELS = 64,   // pixels a frame
  parameter int IN_BASE = 0,      // place of the input map, beats
  parameter int IN_STRIDE = 0,    // from there to that of odd frames, beats
  parameter int IN_BLOCKS = 1,    // words a pixel
  localparam int N = 2 + WPORTS,
  localparam int SCALE = C_BITS + M_BITS,
  localparam int PROGRAM_AW = (PROGRAM > 1) ? $clog2(PROGRAM) : 1,
  localparam int LOAD_AW = (LOADS > 1) ? $clog2(LOADS) : 1,
  localparam int WEIGHT_AW = (WPROGRAM > 1) ? $clog2(WPROGRAM) : 1,
  localparam int RES_AW = (RPROGRAM > 1) ? $clog2(RPROGRAM) : 1,
  localparam int STORE_AW = (SPROGRAM > 1) ? $clog2(SPROGRAM) : 1,
  localparam int STEP_AW = (STEPS > 1) ? $clog2(STEPS) : 1,
  localparam int PARAM_AW = (PARAMS > 1) ? $clog2(PARAMS) : 1
) (
  input  wire                     clk,
  input  wire                     rst,
  input  wire                     bus_rst,
  input  wire  [31:0]             memory_base,
  output logic                    memory_error,
  output logic                    bad_code,     // a weight was the unused code 111, which is 0

  input  wire  [IN_E*8-1:0]       s_tdata,
  input  wire                     s_tvalid,
  output logic                    s_tready,
  output logic [C*ACC_BITS-1:0]   m_tdata,
  output logic                    m_tvalid,
  input  wire                     m_tready,

  output logic                    prog_en,
  output logic [PROGRAM_AW-1:0]   prog_addr,
  input  wire  [32*32-1:0]        prog_data,
  output logic                    load_en,
  output logic [LOAD_AW-1:0]      load_addr,
  input  wire  [7*32-1:0]         load_data,
  output logic                    weight_en,
  output logic [WEIGHT_AW-1:0]    weight_addr,
  input  wire  [N*32-1:0]         weight_data,
  output logic                    res_en,
  output logic [RES_AW-1:0]       res_addr,
  input  wire  [6*32-1:0]         res_data,
  output logic                    store_en,
  output logic [STORE_AW-1:0]     store_addr,
  input  wire  [5*32-1:0]         store_data,
  output logic                    step_en,
  output logic [STEP_AW-1:0]      step_addr,
  input  wire  [63:0]             step_data,
  output logic                    bias_en,
  output logic [PARAM_AW-1:0]     bias_addr,
  input  wire  [C*ACC_BITS-1:0]   bias_data,
  output logic                    scale_en,
  output logic [PARAM_AW-1:0]     scale_addr,
  input  wire  [C*SCALE-1:0]      scale_data,

  output logic [N*32-1:0]         m_axi_araddr,
  output logic [N*8-1:0]          m_axi_arlen,
  output logic [N*3-1:0]          m_axi_arsize,
  output logic [N*2-1:0]          m_axi_arburst,
  output logic [N*4-1:0]          m_axi_arcache,
  output logic [N*3-1:0]          m_axi_arprot,
  output logic [N-1:0]            m_axi_arvalid,
  input  wire  [N-1:0]            m_axi_arready,
  input  wire  [N*64-1:0]         m_axi_rdata,
  input  wire  [N*2-1:0]          m_axi_rresp,
  input  wire  [N-1:0]            m_axi_rlast,
  input  wire  [N-1:0]            m_axi_rvalid,
  output logic [N-1:0]            m_axi_rready,
  output logic [N*32-1:0]         m_axi_awaddr,
  output logic [N*8-1:0]          m_axi_awlen,
  output logic [N*3-1:0]          m_axi_awsize,
  output logic [N*2-1:0]          m_axi_awburst,
  output logic [N*4-1:0]          m_axi_awcache,
  output logic [N*3-1:0]          m_axi_awprot,
  output logic [N-1:0]            m_axi_awvalid,
  input  wire  [N-1:0]            m_axi_awready,
  output logic [N*64-1:0]         m_axi_wdata,
  output logic [N*8-1:0]          m_axi_wstrb,
  output logic [N-1:0]            m_axi_wlast,
  output logic [N-1:0]            m_axi_wvalid,
  input  wire  [N-1:0]            m_axi_wready,
  input  wire  [N*2-1:0]          m_axi_bresp,
  input  wire  [N-1:0]            m_axi_bvalid,
  output logic [N-1:0]            m_axi_bready
);

  localparam int QUEUES = C / R;
  localparam int WORD = R * 8;
  localparam int WORD_BEATS = R / 8;
  localparam int BW = $clog2(BUFFER);
  localparam int PW = (PIXELS > 1) ? $clog2(PIXELS) : 1;
  localparam int MIN_SLOTS = R;
  localparam int LAST_GAP = (STATIONARY != 0) ? 2 * R - 1 : 0;
  localparam int V = 10;  // width of a clip limit of 8-bit activations

  assign {prog_en, load_en, weight_en, res_en, store_en, step_en, bias_en, scale_en} = '1;

  // ---- Frames -------------------------------------------------------------------------------
  wire prog_idle, load_idle, weight_idle, res_idle, store_idle, frame_complete, input_free;
  logic [1:0] frames_q;  // in memory, not begun
  logic start_q, odd_q;
  wire all_idle = prog_idle && load_idle && weight_idle && res_idle && store_idle;
  wire begin_frame = frames_q != '0 && all_idle && !start_q;
  always_ff @(posedge clk) begin
    start_q <= begin_frame && !rst;
    if (begin_frame) odd_q <= !odd_q;
    frames_q <= frames_q + 2'(frame_complete) - 2'(begin_frame);
    if (rst) begin
      odd_q <= 1'b1;
      frames_q <= '0;
    end
  end

  // ---- The instruction's constants ----------------------------------------------------------
  wire [31:0] flags = prog_data[0*32 +: 32];
  wire is_pool = flags[0];
  wire is_signed = flags[1];
  wire has_residual = flags[3];
  wire emits = flags[4];
  wire [X_BITS-1:0] pad = prog_data[15*32 +: X_BITS];
  wire [15:0] tile_pixels = prog_data[30*32 +: 16];

  // ---- Tiles --------------------------------------------------------------------------------
  wire [15:0] stores_done;
  wire tile_done, read_valid, read_ready, buffer_we;
  wire [63:0] read_data;
  wire [31:0] loaded;
  wire [BW:0] buffer_waddr;
  wire [WORD-1:0] buffer_wdata, word;
  wire [N-1:0] rcmd_valid, rcmd_ready, r_tvalid, r_tready;
  wire [N*32-1:0] rcmd_addr, rcmd_beats;
  wire [N*64-1:0] r_tdata;
  wire [1:0] wcmd_valid, wcmd_ready, w_tvalid, w_tready, write_done;
  wire [63:0] wcmd_addr, wcmd_beats;
  wire [127:0] w_tdata;

  sl_tile_load #(.WORD_BEATS(WORD_BEATS), .BUFFER(BUFFER), .INSTRUCTIONS(LOADS)) i_load (
    .clk(clk), .rst(rst), .start(start_q), .idle(load_idle), .base(memory_base),
    .in_offset(odd_q ? 32'(IN_STRIDE) : 32'd0), .stores_done(stores_done), .tile_done(tile_done),
    .input_free(input_free), .program_addr(load_addr), .program_data(load_data),
    .cmd_valid(rcmd_valid[0]), .cmd_ready(rcmd_ready[0]), .cmd_addr(rcmd_addr[31:0]),
    .cmd_beats(rcmd_beats[31:0]), .s_tdata(read_data), .s_tvalid(read_valid),
    .s_tready(read_ready), .w_en(buffer_we), .w_addr(buffer_waddr), .w_data(buffer_wdata),
    .loaded(loaded)
  );
  assign read_data = r_tdata[63:0];
  assign read_valid = r_tvalid[0];
  assign r_tready[0] = read_ready;

  wire [BW:0] slot_addr;
  sl_ram #(.WIDTH(WORD), .DEPTH(2 * BUFFER)) i_buffer (
    .clk(clk), .w_en(buffer_we), .w_addr(buffer_waddr), .w_data(buffer_wdata), .r_en(1'b1),
    .r_addr(slot_addr), .r_data(word)
  );

  // ---- Weights ------------------------------------------------------------------------------
  wire [C*W_BITS-1:0] row;
  wire row_valid, row_ready, weights_tile;
  wire [31:0] weight_beats;
  sl_weight_rows #(
    .ROWS(R), .ROW_BITS(C * W_BITS), .PORTS(WPORTS), .INSTRUCTIONS(WPROGRAM)
  ) i_weights (
    .clk(clk), .rst(rst), .start(start_q), .idle(weight_idle), .base(memory_base),
    .program_addr(weight_addr), .program_data(weight_data), .cmd_valid(rcmd_valid[N-1:2]),
    .cmd_ready(rcmd_ready[N-1:2]), .cmd_addr(rcmd_addr[N*32-1:64]), .cmd_beats(weight_beats),
    .s_tdata(r_tdata[N*64-1:128]), .s_tvalid(r_tvalid[N-1:2]), .s_tready(r_tready[N-1:2]),
    .m_tdata(row), .m_tvalid(row_valid), .m_tready(row_ready), .tile(weights_tile)
  );
  assign rcmd_beats[N*32-1:64] = {WPORTS{weight_beats}};
  if (SHIFT_W != 0) begin : gen_check
    sl_code_check #(.CODES(C)) i_check (
      .clk(clk), .rst(rst), .valid(row_valid && row_ready), .codes(row), .bad_code(bad_code)
    );
  end else begin : gen_no_check
    assign bad_code = 1'b0;
  end

  // ---- Control ------------------------------------------------------------------------------
  wire has_room, claim, result, begins;
  wire slot_valid, slot_inside, slot_swap, slot_first, slot_last;
  wire [PW-1:0] slot_pixel;
  wire [PARAM_AW-1:0] slot_row;
  sl_systolic_control #(
    .MIN_SLOTS(MIN_SLOTS), .LAST_GAP(LAST_GAP), .BUFFER(BUFFER), .PIXELS(PIXELS),
    .INSTRUCTIONS(PROGRAM), .STEPS(STEPS), .ROW_BITS(PARAM_AW)
  ) i_control (
    .clk(clk), .rst(rst), .start(start_q), .idle(prog_idle), .program_addr(prog_addr),
    .program_data(prog_data[31*32-1:0]), .step_addr(step_addr), .step_data(step_data),
    .loaded(loaded), .begins(begins), .tile_done(tile_done), .weights_tile(weights_tile),
    .has_room(has_room), .claim(claim), .result(result), .slot_addr(slot_addr),
    .slot_valid(slot_valid), .slot_inside(slot_inside), .slot_swap(slot_swap),
    .slot_first(slot_first), .slot_last(slot_last), .slot_pixel(slot_pixel), .slot_row(slot_row)
  );

  // ---- Operands: the word comes a clock after its address, then padding takes its place ------
  localparam int MARKS = 3 + PW + PARAM_AW;
  logic inside_q;
  logic [R*X_BITS-1:0] x_q;
  wire valid_late, swap_late;
  logic [1:0] valid_q, swap_q;
  always_ff @(posedge clk) begin
    inside_q <= slot_inside;
    valid_q <= rst ? '0 : {valid_q[0], slot_valid};
    swap_q <= rst ? '0 : {swap_q[0], slot_swap};
  end
  assign valid_late = valid_q[1];
  assign swap_late = swap_q[1];
  for (genvar l = 0; l < R; l = l + 1) begin : gen_lane
    wire sign = is_signed && word[l*8+7];
    wire [X_BITS-1:0] lane = X_BITS'({{(X_BITS-7){sign}}, word[l*8 +: 8]});
    always_ff @(posedge clk) x_q[l*X_BITS +: X_BITS] <= inside_q ? lane : pad;
  end
  wire [MARKS-2:0] marks;
  sl_delay #(.BITS(MARKS - 1), .CLOCKS(2)) i_marks (
    .clk(clk), .en(1'b1), .d({slot_first, slot_last, slot_pixel, slot_row}), .q(marks)
  );
  wire first_late = marks[MARKS-2];
  wire last_late = marks[MARKS-3];

  // ---- Array --------------------------------------------------------------------------------
  wire sums_valid;
  wire [PARAM_AW-1:0] sums_row;
  wire [C*ACC_BITS-1:0] sums;
  if (STATIONARY == 0) begin : gen_ws
    sl_array_ws #(
      .R(R), .C(C), .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .W_BITS(W_BITS), .SHIFT_W(SHIFT_W),
      .ACC_BITS(ACC_BITS), .PIXELS(PIXELS), .ROW_BITS(PARAM_AW)
    ) i_array (
      .clk(clk), .rst(rst), .x(x_q), .slot_swap(swap_late), .slot_valid(valid_late && !is_pool),
      .slot_first(first_late), .slot_last(last_late), .slot_pixel(marks[PARAM_AW +: PW]),
      .slot_row(marks[PARAM_AW-1:0]), .w_tdata(row), .w_tvalid(row_valid), .w_tready(row_ready),
      .bias_row(bias_addr), .bias(bias_data), .sums_valid(sums_valid), .sums_row(sums_row),
      .sums(sums)
    );
  end else begin : gen_os
    sl_array_os #(
      .R(R), .C(C), .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .W_BITS(W_BITS), .SHIFT_W(SHIFT_W),
      .ACC_BITS(ACC_BITS), .ROW_BITS(PARAM_AW)
    ) i_array (
      .clk(clk), .rst(rst), .x(x_q), .slot_swap(swap_late), .slot_valid(valid_late && !is_pool),
      .slot_first(first_late), .slot_last(last_late), .slot_row(marks[PARAM_AW-1:0]),
      .w_tdata(row), .w_tvalid(row_valid), .w_tready(row_ready), .bias_row(bias_addr),
      .bias(bias_data), .sums_valid(sums_valid), .sums_row(sums_row), .sums(sums)
    );
    wire unused_pixel = &{1'b0, marks[PARAM_AW +: PW]};
  end

  // ---- Results: the scale comes a clock after its row ----------------------------------------
  assign scale_addr = sums_row;
  logic acc_valid_q;
  logic [C*ACC_BITS-1:0] acc_q;
  always_ff @(posedge clk) begin
    acc_valid_q <= sums_valid && !emits && !rst;
    acc_q <= sums;
  end
  wire y_valid, pool_valid;
  wire [C*8-1:0] y, residual;
  wire [WORD-1:0] pool_word;
  sl_engine_post #(
    .LANES(C), .LANE(8), .ACC_BITS(ACC_BITS), .M_BITS(M_BITS), .C_BITS(C_BITS), .F_BITS(F_BITS),
    .K_BITS(K_BITS)
  ) i_post (
    .clk(clk), .rst(rst), .in_valid(acc_valid_q), .acc(acc_q), .scale(scale_data), .res(residual),
    .shift(prog_data[16*32 +: 8]), .lo(prog_data[17*32 +: V]), .hi(prog_data[18*32 +: V]),
    .zero(prog_data[19*32 +: V]), .residual(has_residual), .res_signed(flags[7]),
    .m1(prog_data[20*32 +: F_BITS]), .m2(prog_data[21*32 +: F_BITS]),
    .add(prog_data[22*32 +: K_BITS]), .shift2(prog_data[23*32 +: 8]),
    .lo2(prog_data[24*32 +: V]), .hi2(prog_data[25*32 +: V]), .zero2(prog_data[26*32 +: V]),
    .out_valid(y_valid), .y(y)
  );
  sl_max_reduce #(.LANES(R), .BITS(X_BITS), .IS_SIGNED(X_SIGNED), .OUT_BITS(8)) i_pool (
    .clk(clk), .rst(rst), .in_valid(valid_late && is_pool), .in_last(last_late), .x(x_q),
    .m_valid(pool_valid), .m(pool_word)
  );
  assign result = is_pool ? pool_valid : emits ? sums_valid : y_valid;

  wire [WORD-1:0] res_word;
  wire [QUEUES-1:0] res_valid, res_ready, store_valid, store_ready;
  wire [QUEUES*WORD-1:0] store_word;
  sl_systolic_queues #(
    .WORD(WORD), .QUEUES(QUEUES), .DEPTH(2 * PIXELS), .RES_DEPTH((PIXELS > 2) ? PIXELS : 2),
    .SUMS(C * ACC_BITS)
  ) i_queues (
    .clk(clk), .rst(rst), .is_pool(is_pool), .has_residual(has_residual), .emits(emits),
    .pixels(tile_pixels), .begins(begins), .claim(claim), .has_room(has_room),
    .pool_valid(pool_valid), .pool_word(pool_word), .y_valid(y_valid), .y(y),
    .store_tdata(store_word), .store_tvalid(store_valid), .store_tready(store_ready),
    .res_tdata(res_word), .res_tvalid(res_valid), .res_tready(res_ready),
    .res_take(acc_valid_q && has_residual), .res(residual),
    .sums_valid(sums_valid), .sums(sums), .m_tdata(m_tdata), .m_tvalid(m_tvalid),
    .m_tready(m_tready)
  );

  sl_tile_store #(
    .WORD_BEATS(WORD_BEATS), .QUEUES(QUEUES), .INSTRUCTIONS(SPROGRAM)
  ) i_store (
    .clk(clk), .rst(rst), .start(start_q), .idle(store_idle), .base(memory_base),
    .stores_done(stores_done), .program_addr(store_addr), .program_data(store_data),
    .s_tdata(store_word), .s_tvalid(store_valid), .s_tready(store_ready),
    .cmd_valid(wcmd_valid[0]), .cmd_ready(wcmd_ready[0]), .cmd_addr(wcmd_addr[31:0]),
    .cmd_beats(wcmd_beats[31:0]), .m_tdata(w_tdata[63:0]), .m_tvalid(w_tvalid[0]),
    .m_tready(w_tready[0]), .write_done(write_done[0])
  );
  sl_residual_load #(
    .WORD_BEATS(WORD_BEATS), .QUEUES(QUEUES), .INSTRUCTIONS(RPROGRAM)
  ) i_residual (
    .clk(clk), .rst(rst), .start(start_q), .idle(res_idle), .base(memory_base),
    .stores_done(stores_done), .program_addr(res_addr), .program_data(res_data),
    .cmd_valid(rcmd_valid[1]), .cmd_ready(rcmd_ready[1]), .cmd_addr(rcmd_addr[63:32]),
    .cmd_beats(rcmd_beats[63:32]), .s_tdata(r_tdata[127:64]), .s_tvalid(r_tvalid[1]),
    .s_tready(r_tready[1]), .m_tdata(res_word), .m_tvalid(res_valid), .m_tready(res_ready)
  );
  sl_map_ingest #(
    .R(R), .E(IN_E), .BEATS(IN_BEATS), .PIXELS(IN_PIXELS), .FIRST(IN_BASE), .STRIDE(IN_STRIDE),
    .BLOCKS(IN_BLOCKS)
  ) i_ingest (
    .clk(clk), .rst(rst), .base(memory_base), .s_tdata(s_tdata), .s_tvalid(s_tvalid),
    .s_tready(s_tready), .cmd_valid(wcmd_valid[1]), .cmd_ready(wcmd_ready[1]),
    .cmd_addr(wcmd_addr[63:32]), .cmd_beats(wcmd_beats[63:32]), .m_tdata(w_tdata[127:64]),
    .m_tvalid(w_tvalid[1]), .m_tready(w_tready[1]), .write_done(write_done[1]),
    .complete(frame_complete), .release_one(input_free)
  );

  // ---- Memory ports -------------------------------------------------------------------------
  sl_memory_ports #(.PORTS(N), .WRITERS(2)) i_ports (
    .clk(clk), .rst(bus_rst), .flush(rst), .error(memory_error),
    .rcmd_valid(rcmd_valid), .rcmd_ready(rcmd_ready), .rcmd_addr(rcmd_addr),
    .rcmd_beats(rcmd_beats), .r_tdata(r_tdata), .r_tvalid(r_tvalid), .r_tready(r_tready),
    .wcmd_valid(wcmd_valid), .wcmd_ready(wcmd_ready), .wcmd_addr(wcmd_addr),
    .wcmd_beats(wcmd_beats), .w_tdata(w_tdata), .w_tvalid(w_tvalid), .w_tready(w_tready),
    .write_done(write_done),
    .m_axi_araddr(m_axi_araddr), .m_axi_arlen(m_axi_arlen), .m_axi_arsize(m_axi_arsize),
    .m_axi_arburst(m_axi_arburst), .m_axi_arcache(m_axi_arcache), .m_axi_arprot(m_axi_arprot),
    .m_axi_arvalid(m_axi_arvalid), .m_axi_arready(m_axi_arready), .m_axi_rdata(m_axi_rdata),
    .m_axi_rresp(m_axi_rresp), .m_axi_rlast(m_axi_rlast), .m_axi_rvalid(m_axi_rvalid),
    .m_axi_rready(m_axi_rready), .m_axi_awaddr(m_axi_awaddr), .m_axi_awlen(m_axi_awlen),
    .m_axi_awsize(m_axi_awsize), .m_axi_awburst(m_axi_awburst), .m_axi_awcache(m_axi_awcache),
    .m_axi_awprot(m_axi_awprot), .m_axi_awvalid(m_axi_awvalid), .m_axi_awready(m_axi_awready),
    .m_axi_wdata(m_axi_wdata), .m_axi_wstrb(m_axi_wstrb), .m_axi_wlast(m_axi_wlast),
    .m_axi_wvalid(m_axi_wvalid), .m_axi_wready(m_axi_wready), .m_axi_bresp(m_axi_bresp),
    .m_axi_bvalid(m_axi_bvalid), .m_axi_bready(m_axi_bready)
  );

  wire unused_bits = &{1'b0, prog_data, flags};

endmodule

`default_nettype wire
