// The pixels of a tile in raster order: their word addresses and the coordinates of their origin.
//
// `load` takes the first pixel; `step` goes on to the next one, NY rows of NX. An address grows by
// step_x from pixel to pixel and by step_y behind the last one of a row. `last`: the pixel at hand
// is the last one.
`default_nettype none

module sl_walk_pixels #(
  parameter int AW = 12  // width of an address, 1 or more
) (
  input  wire           clk,
  input  wire           load,
  input  wire  [AW-1:0] load_addr,
  input  wire  [15:0]   load_iy,
  input  wire  [15:0]   load_ix,
  input  wire           step,
  input  wire  [15:0]   ny,
  input  wire  [15:0]   nx,
  input  wire  [15:0]   sy,
  input  wire  [15:0]   sx,
  input  wire  [AW-1:0] step_x,
  input  wire  [AW-1:0] step_y,
  output logic [AW-1:0] addr,
  output logic [15:0]   iy,
  output logic [15:0]   ix,
  output logic          last
);

  logic [15:0] oy_q, ox_q;  // rows and columns behind the pixel at hand
  logic [15:0] left_q;      // ix of the row's first pixel
  wire row_end = ox_q == 16'd1;
  assign last = row_end && oy_q == 16'd1;

  always_ff @(posedge clk) begin
    if (load) begin
      addr <= load_addr;
      iy <= load_iy;
      ix <= load_ix;
      left_q <= load_ix;
      oy_q <= ny;
      ox_q <= nx;
    end else if (step && row_end) begin
      addr <= addr + step_y;
      iy <= iy + sy;
      ix <= left_q;
      oy_q <= oy_q - 16'd1;
      ox_q <= nx;
    end else if (step) begin
      addr <= addr + step_x;
      ix <= ix + sx;
      ox_q <= ox_q - 16'd1;
    end
  end

endmodule

`default_nettype wire
