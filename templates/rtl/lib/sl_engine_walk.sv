// The way of an instruction through a map: a word to read a clock, and whether its tap is inside.
//
// Loops: output row, output column, output tile (co), step of its list. Step s of an output pixel
// reads the word at the pixel's origin + OFFSET[s]; the tap is inside where 0 <= iy < h and
// 0 <= ix < w with iy = iy0 + oy * sy + DY[s], ix likewise. With `residual`, one more word is read
// after a list's last step: that at res + co * res_co + pixel.
//
// Step memory: synchronous, data one step_en clock after the address; an entry is OFFSET, DY, DX
// and the mark `last` of a list at bit 48. Lists follow one another from step_base on; with
// `rewind` all co use the first.
//
// `start` begins; the constants hold still from then on until `walking` has fallen. `hold` keeps
// the walk before the first step of a list. `taken` is high for the first step of each list,
// `list_ends` for the last one, both in the clock before it is read.
//
// Timing: the first step is read 2 clocks after `start`, then one word a clock. `read` comes with
// `addr`, and `step_read` and the marks of the step unless it reads a residual word.
`default_nettype none

module sl_engine_walk #(
  parameter int AW = 10,     // bits of a word address
  parameter int STEPS = 64,  // entries of the step memory
  localparam int SA = (STEPS > 1) ? $clog2(STEPS) : 1
) (
  input  wire           clk,
  input  wire           rst,

  input  wire           start,
  input  wire  [SA-1:0] step_base,
  input  wire  [15:0]   co_count,
  input  wire  [15:0]   ny,
  input  wire  [15:0]   nx,
  input  wire  [AW-1:0] origin,
  input  wire  [AW-1:0] step_x,
  input  wire  [AW-1:0] step_y,
  input  wire  [15:0]   iy0,
  input  wire  [15:0]   ix0,
  input  wire  [15:0]   sy,
  input  wire  [15:0]   sx,
  input  wire  [15:0]   h,
  input  wire  [15:0]   w,
  input  wire           rewind,
  input  wire           residual,
  input  wire  [AW-1:0] res,
  input  wire  [AW-1:0] res_co,

  output logic          step_en,
  output logic [SA-1:0] step_addr,
  input  wire  [63:0]   step_data,

  input  wire           hold,
  output logic          walking,
  output logic          taken,
  output logic          list_ends,

  output logic          read,
  output logic [AW-1:0] addr,
  output logic          step_read,
  output logic          step_last,     // of its list
  output logic          step_restart,  // of its pixel
  output logic          step_inside
);

  logic first_q, residual_q;  // the step is a list's first; a residual word is due
  logic [SA-1:0] step_q;
  logic [15:0] co_q, x_q, y_q;  // from 1 on
  logic [15:0] iy_q, ix_q;      // of the window's origin
  logic [AW-1:0] origin_q;
  logic [15:0] tap_y_q, tap_x_q;
  wire [AW-1:0] res_addr;

  wire last = step_data[48];
  wire step = walking && !residual_q && !(hold && first_q);
  wire pixel_ends = step && last && co_q == co_count;
  wire row_ends = pixel_ends && x_q == nx;
  wire jump = rewind || co_q == co_count;
  wire unused_fields = &{1'b0, step_data};

  assign taken = step && first_q;
  assign list_ends = step && last;
  assign step_en = start || step;
  assign step_addr = (start || (last && jump)) ? step_base : step_q + SA'(1);

  sl_engine_place #(.AW(AW)) i_residual (
    .clk(clk), .load(start), .base(res), .stride(res_co), .blocks(co_count), .step(residual_q),
    .addr(res_addr)
  );

  always_ff @(posedge clk) begin
    if (step_en) step_q <= step_addr;
    if (step) first_q <= last;
    residual_q <= list_ends && residual;
    if (list_ends) co_q <= pixel_ends ? 16'd1 : co_q + 16'd1;
    if (pixel_ends) begin
      x_q <= row_ends ? 16'd1 : x_q + 16'd1;
      ix_q <= row_ends ? ix0 : ix_q + sx;
      origin_q <= origin_q + (row_ends ? step_y : step_x);
    end
    if (row_ends) begin
      y_q <= y_q + 16'd1;
      iy_q <= iy_q + sy;
      if (y_q == ny) walking <= 1'b0;
    end
    if (start) begin
      walking <= 1'b1;
      first_q <= 1'b1;
      co_q <= 16'd1;
      x_q <= 16'd1;
      y_q <= 16'd1;
      iy_q <= iy0;
      ix_q <= ix0;
      origin_q <= origin;
    end
    read <= step || residual_q;
    step_read <= step;
    step_last <= last;
    step_restart <= pixel_ends;
    addr <= residual_q ? res_addr : origin_q + AW'(step_data[15:0]);
    tap_y_q <= iy_q + step_data[31:16];
    tap_x_q <= ix_q + step_data[47:32];
    if (rst) begin
      walking <= 1'b0;
      residual_q <= 1'b0;
      read <= 1'b0;
      step_read <= 1'b0;
    end
  end

  // Negative coordinates are large numbers without sign.
  assign step_inside = tap_y_q < h && tap_x_q < w;

endmodule

`default_nettype wire
