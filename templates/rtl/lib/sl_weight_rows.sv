// The weights of a program: read from memory over PORTS ports, decoded into rows, a tile ahead.
//
// Each instruction has BEATS beats in a region of its own for every port: beat i of a tile lies at
// port i mod PORTS. `tile` says that a whole tile of ROWS rows has been added to the row stream;
// its rows can be taken without a pause.
`default_nettype none

module sl_weight_rows #(
  parameter int ROWS = 8,           // of a tile
  parameter int ROW_BITS = 24,
  parameter int PORTS = 1,
  parameter int INSTRUCTIONS = 4,
  localparam int FIELDS = 2 + PORTS,
  localparam int AW = (INSTRUCTIONS > 1) ? $clog2(INSTRUCTIONS) : 1
) (
  input  wire                 clk,
  input  wire                 rst,
  input  wire                 start,
  output logic                idle,
  input  wire  [31:0]         base,  // byte address of the workspace

  output logic [AW-1:0]       program_addr,
  input  wire  [FIELDS*32-1:0] program_data,

  output logic [PORTS-1:0]    cmd_valid,
  input  wire  [PORTS-1:0]    cmd_ready,
  output logic [PORTS*32-1:0] cmd_addr,
  output logic [31:0]         cmd_beats,
  input  wire  [PORTS*64-1:0] s_tdata,
  input  wire  [PORTS-1:0]    s_tvalid,
  output logic [PORTS-1:0]    s_tready,

  output logic [ROW_BITS-1:0] m_tdata,
  output logic                m_tvalid,
  input  wire                 m_tready,
  output logic                tile
);

  // One command a port for every instruction.
  wire valid;
  logic [PORTS-1:0] sent_q;
  wire [PORTS-1:0] sent = sent_q | (cmd_valid & cmd_ready);
  wire next = valid && &sent;
  sl_program #(.INSTRUCTIONS(INSTRUCTIONS), .LAST(1)) i_program (
    .clk(clk), .rst(rst), .start(start), .addr(program_addr), .flags(program_data[31:0]),
    .valid(valid), .done(next), .idle(idle)
  );
  assign cmd_beats = program_data[63:32];
  always_ff @(posedge clk) sent_q <= (rst || next || !valid) ? '0 : sent;
  for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_port
    wire [31:0] first = program_data[(2+p)*32 +: 32];
    assign cmd_valid[p] = valid && !sent_q[p];
    assign cmd_addr[p*32 +: 32] = base + {first[28:0], 3'b000};
    wire unused_high_bits = &{1'b0, first[31:29]};
  end

  // The ports' beats side by side.
  wire all_valid = &s_tvalid;
  wire all_ready;
  assign s_tready = {PORTS{all_valid && all_ready}};

  wire [ROW_BITS-1:0] row;
  wire row_valid, row_ready, row_last;
  sl_weight_unpack #(.IN_BITS(PORTS * 64), .ROW_BITS(ROW_BITS), .ROWS(ROWS)) i_unpack (
    .clk(clk), .rst(rst), .s_tdata(s_tdata), .s_tvalid(all_valid), .s_tready(all_ready),
    .m_tdata(row), .m_tvalid(row_valid), .m_tready(row_ready), .m_tlast(row_last)
  );
  sl_fifo #(.WIDTH(ROW_BITS), .DEPTH(2 * ROWS)) i_rows (
    .clk(clk), .rst(rst), .s_tdata(row), .s_tvalid(row_valid), .s_tready(row_ready),
    .m_tdata(m_tdata), .m_tvalid(m_tvalid), .m_tready(m_tready)
  );
  always_ff @(posedge clk) tile <= row_valid && row_ready && row_last && !rst;

endmodule

`default_nettype wire
