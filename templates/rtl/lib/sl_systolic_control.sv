// Runs the compute program of a systolic engine: slots for the array, reads of the tile buffers.
//
// A convolution's loops are output tile (co), step, pixel; a step starts when its block is loaded,
// its weights are there, and the results of its last step will find room and residuals. The next
// step is prepared while one runs, so steps follow without a pause. A pool's loops are block (co),
// pixel, tap, a tap a clock.
//
// A slot leaves as address and marks: the word is read at slot_addr a clock later. Instructions
// follow each other when all results of the former are out, `result` counting one pixel of one co:
// until then its fields hold still in `program_data`.
`default_nettype none

module sl_systolic_control #(
  parameter int MIN_SLOTS = 8,     // clocks of a step, at least
  parameter int LAST_GAP = 0,      // clocks from one last step to the next, at least
  parameter int BUFFER = 64,       // words of a tile buffer, a power of two from 2 on
  parameter int PIXELS = 64,       // most pixels of a tile
  parameter int INSTRUCTIONS = 4,
  parameter int STEPS = 4,         // entries of the step memory
  parameter int ROW_BITS = 8,
  localparam int BW = $clog2(BUFFER),
  localparam int AW = (INSTRUCTIONS > 1) ? $clog2(INSTRUCTIONS) : 1,
  localparam int SW = (STEPS > 1) ? $clog2(STEPS) : 1,
  localparam int PW = (PIXELS > 1) ? $clog2(PIXELS) : 1
) (
  input  wire                clk,
  input  wire                rst,
  input  wire                start,
  output logic               idle,

  output logic [AW-1:0]      program_addr,
  input  wire  [31*32-1:0]   program_data,
  output logic [SW-1:0]      step_addr,
  input  wire  [63:0]        step_data,

  input  wire  [31:0]        loaded,       // segments in place, of each buffer
  output logic               begins,       // an instruction: its fields are there
  output logic               tile_done,    // the tile is not read any more
  input  wire                weights_tile, // a tile of weights has come
  input  wire                has_room,     // for the results of one more co
  output logic               claim,        // takes that room
  input  wire                result,

  output logic [BW:0]        slot_addr,
  output logic               slot_valid,
  output logic               slot_inside,  // the tap lies inside the map
  output logic               slot_swap,
  output logic               slot_first,
  output logic               slot_last,
  output logic [PW-1:0]      slot_pixel,
  output logic [ROW_BITS-1:0] slot_row
);

  // The instruction.
  wire [31:0] flags = program_data[0*32 +: 32];
  wire is_pool = flags[0];
  wire rewinds = flags[2];
  wire [SW-1:0] first_step = program_data[1*32 +: SW];
  wire [15:0] co_count = program_data[2*32 +: 16];
  wire [ROW_BITS-1:0] first_row = program_data[3*32 +: ROW_BITS];
  wire [15:0] ny = program_data[4*32 +: 16];
  wire [15:0] nx = program_data[5*32 +: 16];
  wire [BW-1:0] origin = program_data[6*32 +: BW];
  wire [BW-1:0] step_x = program_data[7*32 +: BW];
  wire [BW-1:0] step_y = program_data[8*32 +: BW];
  wire [15:0] iy0 = program_data[9*32 +: 16];
  wire [15:0] ix0 = program_data[10*32 +: 16];
  wire [15:0] sy = program_data[11*32 +: 16];
  wire [15:0] sx = program_data[12*32 +: 16];
  wire [15:0] height = program_data[13*32 +: 16];
  wire [15:0] width = program_data[14*32 +: 16];
  wire [15:0] taps = program_data[29*32 +: 16];

  logic begun_q;    // the instruction has begun
  logic buffer_q;   // of its tile
  logic started_q;  // all its co have been started
  logic [15:0] co_q;
  wire valid, done;
  sl_program #(.INSTRUCTIONS(INSTRUCTIONS), .LAST(5)) i_program (
    .clk(clk), .rst(rst), .start(start), .addr(program_addr), .flags(flags), .valid(valid),
    .done(done), .idle(idle)
  );
  assign begins = valid && !begun_q;

  // The step under way, and the one prepared: its entry has been read and added to the origin.
  logic running_q, first_q, last_q;
  logic [15:0] slot_q;
  logic [SW-1:0] step_q;              // entry to prepare; of a pool the entry being read
  logic [1:0] preparing_q;
  logic next_valid_q, next_first_q, next_last_q;
  logic [BW-1:0] next_addr_q;
  logic [15:0] next_iy_q, next_ix_q, next_block_q;

  wire [BW-1:0] entry_offset = step_data[0 +: BW];
  wire [15:0] entry_dy = step_data[16 +: 16];
  wire [15:0] entry_dx = step_data[32 +: 16];
  wire entry_last = step_data[48];
  wire [15:0] entry_block = {1'b0, step_data[63:49]};

  // Weights: tiles that have come and belong to no step yet.
  logic [2:0] tiles_q;
  logic [15:0] gap_q;
  wire [15:0] in_place = buffer_q ? loaded[31:16] : loaded[15:0];
  wire pixels_last;
  logic pixels_done_q;  // the pixels of the step have had their slots
  wire slots_end = (pixels_done_q || pixels_last) && slot_q >= 16'(MIN_SLOTS - 1);
  wire may_start = next_valid_q && in_place > next_block_q && (!running_q || slots_end)
                && (!next_last_q || (has_room && gap_q == '0));
  wire starts = begun_q && !is_pool && !started_q && may_start && tiles_q != '0;
  wire co_starts = starts && next_last_q;

  // A pool: its block is loaded and has room; then a tap a clock, behind the entry's read.
  logic pooling_q, tap_valid_q, tap_last_q;
  logic [15:0] tap_q;
  wire pool_starts = begun_q && is_pool && !started_q && !pooling_q && !tap_valid_q
                  && in_place > co_q && has_room;
  wire pixel_end = tap_q == taps - 16'd1;
  logic [15:0] pool_left_q;  // pixels of the block whose taps have not all been read
  wire block_end = pooling_q && pixel_end && pool_left_q == 16'd1;

  assign claim = co_starts || pool_starts;
  assign step_addr = step_q;

  wire walk_load = starts || pool_starts;
  wire walk_step = is_pool ? (tap_valid_q && tap_last_q) : (running_q && !pixels_done_q);
  wire [BW-1:0] walk_addr;
  wire [15:0] walk_iy, walk_ix;
  sl_walk_pixels #(.AW(BW)) i_pixels (
    .clk(clk), .load(walk_load), .load_addr(is_pool ? origin : next_addr_q),
    .load_iy(is_pool ? iy0 : next_iy_q), .load_ix(is_pool ? ix0 : next_ix_q), .step(walk_step),
    .ny(ny), .nx(nx), .sy(sy), .sx(sx), .step_x(step_x), .step_y(step_y),
    .addr(walk_addr), .iy(walk_iy), .ix(walk_ix), .last(pixels_last)
  );

  // Results that have been started and are not out.
  logic [15:0] pending_q;
  wire counts = is_pool ? (tap_valid_q && tap_last_q) : (running_q && !pixels_done_q && last_q);
  wire reads_end = begun_q && started_q && !running_q && !pooling_q && !tap_valid_q;
  logic freed_q;
  assign done = reads_end && freed_q && pending_q == '0;
  assign tile_done = reads_end && !freed_q;

  always_ff @(posedge clk) begin
    if (begins) begin
      begun_q <= 1'b1;
      started_q <= 1'b0;
      freed_q <= 1'b0;
      co_q <= '0;
    end
    if (done) begin
      begun_q <= 1'b0;
      buffer_q <= !buffer_q;
    end
    if (tile_done) freed_q <= 1'b1;
    if (claim) begin
      co_q <= co_q + 16'd1;
      started_q <= co_q == co_count - 16'd1;
    end
    pending_q <= pending_q + 16'(counts) - 16'(result);
    tiles_q <= tiles_q + 3'(weights_tile) - 3'(starts);
    gap_q <= co_starts ? 16'(LAST_GAP) : (gap_q == '0) ? '0 : gap_q - 16'd1;
    if (rst) begin
      begun_q <= 1'b0;
      buffer_q <= 1'b0;
      pending_q <= '0;
      tiles_q <= '0;
      gap_q <= '0;
    end
  end

  // Steps of a convolution.
  always_ff @(posedge clk) begin
    preparing_q <= {preparing_q[0], begins || starts};
    if (begins) begin
      step_q <= first_step;
      next_first_q <= 1'b1;
    end
    if (starts) begin
      step_q <= (next_last_q && rewinds) ? first_step : step_q + SW'(1);
      next_first_q <= next_last_q;
      first_q <= next_first_q;
      last_q <= next_last_q;
      slot_q <= '0;
      pixels_done_q <= 1'b0;
      running_q <= 1'b1;
    end else if (running_q) begin
      slot_q <= slot_q + 16'd1;
      if (pixels_last) pixels_done_q <= 1'b1;
      if (slots_end) running_q <= 1'b0;
    end
    if (starts || begins) next_valid_q <= 1'b0;
    else if (preparing_q[1]) next_valid_q <= 1'b1;
    if (preparing_q[1]) begin
      next_last_q <= entry_last;
      next_addr_q <= origin + entry_offset;
      next_iy_q <= iy0 + entry_dy;
      next_ix_q <= ix0 + entry_dx;
      next_block_q <= entry_block;
    end
    if (pooling_q) step_q <= pixel_end ? (block_end ? step_q + SW'(1) : step_q - SW'(taps - 16'd1))
                                       : step_q + SW'(1);
    if (rst) begin
      running_q <= 1'b0;
      next_valid_q <= 1'b0;
      preparing_q <= '0;
    end
  end

  // Taps of a pool: the entry read in one clock meets the pixel in the next.
  always_ff @(posedge clk) begin
    if (pool_starts) begin
      pooling_q <= 1'b1;
      tap_q <= '0;
      pool_left_q <= program_data[30*32 +: 16];
    end else if (pooling_q) begin
      tap_q <= pixel_end ? '0 : tap_q + 16'd1;
      if (pixel_end) pool_left_q <= pool_left_q - 16'd1;
      if (block_end) pooling_q <= 1'b0;
    end
    tap_valid_q <= pooling_q;
    tap_last_q <= pixel_end;
    if (rst) begin
      pooling_q <= 1'b0;
      tap_valid_q <= 1'b0;
    end
  end

  // The slot.
  logic [ROW_BITS-1:0] run_row_q;
  logic [PW-1:0] pixel_q;
  wire [15:0] iy = walk_iy + (is_pool ? entry_dy : '0);
  wire [15:0] ix = walk_ix + (is_pool ? entry_dx : '0);
  always_ff @(posedge clk) begin
    if (starts) run_row_q <= first_row + ROW_BITS'(co_q);
    if (starts) pixel_q <= '0;
    else pixel_q <= pixel_q + PW'(1);
    slot_addr <= {buffer_q, walk_addr + (is_pool ? entry_offset : '0)};
    slot_inside <= iy < height && ix < width;
    slot_valid <= (is_pool ? tap_valid_q : (running_q && !pixels_done_q)) && !rst;
    slot_swap <= running_q && slot_q == '0 && !rst;
    slot_first <= first_q;
    slot_last <= is_pool ? tap_last_q : last_q;
    slot_pixel <= pixel_q;
    slot_row <= run_row_q;
  end

  wire unused_bits = &{1'b0, program_data, step_data, flags};

endmodule

`default_nettype wire
