// Row store of sl_window: ROWS row banks, written pixel by pixel and read column by column.
//
//   pixels[k] = column of the row in bank (bank + k) mod ROWS where row_ok[k], else padding
//
// Rows are written to the banks in turn. A column passes two registers: `read` takes it out of all
// banks, `move` rotates it to the order of the kernel and puts the padding in.
`default_nettype none

module sl_window_rows #(
  parameter int W         = 28,  // pixels a row
  parameter int C         = 1,   // elements a pixel
  parameter int BITS      = 8,   // bits an element
  parameter int KH        = 5,   // kernel rows
  parameter int ROWS      = 6,   // row banks
  parameter int PAD_VALUE = 0,   // an element of padding
  localparam int PIXEL = C * BITS,
  localparam int AW = (W > 1) ? $clog2(W) : 1,
  localparam int BW = (ROWS > 1) ? $clog2(ROWS) : 1
) (
  input  wire                 clk,
  input  wire                 rst,
  input  wire                 write,
  input  wire  [PIXEL-1:0]    w_pixel,
  output logic [AW-1:0]       w_column,  // the column written next
  output logic                w_row,     // a row is completely written with this clock
  input  wire                 read,
  input  wire  [AW-1:0]       column,
  input  wire  [BW-1:0]       bank,
  input  wire  [KH-1:0]       row_ok,
  input  wire                 move,
  output logic [KH*PIXEL-1:0] pixels
);

  logic [BW-1:0]         w_bank_q, bank_q;
  logic [KH-1:0]         row_ok_q;
  logic [ROWS*PIXEL-1:0] stored;

  assign w_row = write && (w_column == AW'(W - 1));

  always_ff @(posedge clk) begin
    if (write) w_column <= w_row ? '0 : w_column + AW'(1);
    if (w_row) w_bank_q <= (w_bank_q == BW'(ROWS - 1)) ? '0 : w_bank_q + BW'(1);
    if (rst) begin
      w_column <= '0;
      w_bank_q <= '0;
    end
  end

  always_ff @(posedge clk) begin
    if (read) begin
      bank_q   <= bank;
      row_ok_q <= row_ok;
    end
  end

  for (genvar b = 0; b < ROWS; b = b + 1) begin : gen_bank
    sl_ram #(.WIDTH(PIXEL), .DEPTH(W)) i_ram (
      .clk(clk),
      .w_en(write && (w_bank_q == BW'(b))), .w_addr(w_column), .w_data(w_pixel),
      .r_en(read), .r_addr(column), .r_data(stored[b*PIXEL +: PIXEL])
    );
  end

  for (genvar k = 0; k < KH; k = k + 1) begin : gen_row
    logic [ROWS*PIXEL-1:0] candidates;  // by `bank`: what kernel row k then is
    for (genvar b = 0; b < ROWS; b = b + 1) begin : gen_candidate
      assign candidates[b*PIXEL +: PIXEL] = stored[((b + k) % ROWS)*PIXEL +: PIXEL];
    end
    always_ff @(posedge clk) begin
      if (move) begin
        if (row_ok_q[k]) pixels[k*PIXEL +: PIXEL] <= candidates[bank_q*PIXEL +: PIXEL];
        else             pixels[k*PIXEL +: PIXEL] <= {C{BITS'(PAD_VALUE)}};
      end
    end
  end

endmodule

`default_nettype wire
