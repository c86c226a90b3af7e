// Joins an accelerator to a serial line: commands in, register accesses and frames, answers out.
//
// docs/serial.md has the protocol. Two frames are under way at most: a third is refused, as is a
// register command before the answer to the last; overrun is high for 1 clock then.
// While shell_reset is high frames under way are dropped, also one in the middle, and beats of the
// core are taken and dropped. moving: a frame is under way.
//
// Timing: a command acts 2 clocks after the middle of the stop bit of its last byte; a frame is
// given as fast as it is taken. m_axis_tvalid falls with shell_reset.
`default_nettype none

module sl_serial_bridge #(
  parameter int CLOCKS    = 100,      // clocks a bit of the line
  parameter int GAP       = 2000000,  // clocks after which a silence ends any command
  parameter int IN_BYTES  = 1,        // bytes a beat into the core
  parameter int IN_BEATS  = 784,      // beats a frame into the core
  parameter int OUT_BYTES = 4,        // bytes a beat out of the core
  parameter int OUT_BEATS = 10        // beats a frame out of the core
) (
  input  wire                    clk,
  input  wire                    rst,
  input  wire                    rxd,
  output logic                   txd,

  input  wire                    shell_reset,
  output logic                   moving,
  output logic                   overrun,

  output logic [8*IN_BYTES-1:0]  m_axis_tdata,
  output logic                   m_axis_tvalid,
  input  wire                    m_axis_tready,
  output logic                   m_axis_tlast,
  input  wire  [8*OUT_BYTES-1:0] s_axis_tdata,
  input  wire                    s_axis_tvalid,
  output logic                   s_axis_tready,

  output logic [11:0]            m_axi_awaddr,
  output logic                   m_axi_awvalid,
  input  wire                    m_axi_awready,
  output logic [31:0]            m_axi_wdata,
  output logic [3:0]             m_axi_wstrb,
  output logic                   m_axi_wvalid,
  input  wire                    m_axi_wready,
  input  wire  [1:0]             m_axi_bresp,
  input  wire                    m_axi_bvalid,
  output logic                   m_axi_bready,
  output logic [11:0]            m_axi_araddr,
  output logic                   m_axi_arvalid,
  input  wire                    m_axi_arready,
  input  wire  [31:0]            m_axi_rdata,
  input  wire  [1:0]             m_axi_rresp,
  input  wire                    m_axi_rvalid,
  output logic                   m_axi_rready
);

  localparam logic [7:0] FULL = 8'd3;

  // The line.
  wire [7:0] heard, told;
  wire       heard_valid, told_valid, told_ready;

  sl_uart_rx #(
    .CLOCKS(CLOCKS)
  ) u_rx (
    .clk  (clk),
    .rst  (rst),
    .rxd  (rxd),
    .data (heard),
    .valid(heard_valid)
  );

  sl_uart_tx #(
    .CLOCKS(CLOCKS)
  ) u_tx (
    .clk     (clk),
    .rst     (rst),
    .s_tdata (told),
    .s_tvalid(told_valid),
    .s_tready(told_ready),
    .txd     (txd)
  );

  // Commands.
  wire        frame_put, commit, drop, access, is_write, refuse;
  wire [7:0]  frame_data, number, reason;
  wire [15:0] address;
  wire [31:0] word;
  wire        busy, waiting, store_room, numbers_room;

  sl_serial_commands #(
    .FRAME(IN_BYTES * IN_BEATS),
    .GAP  (GAP)
  ) u_commands (
    .clk       (clk),
    .rst       (rst),
    .data      (heard),
    .valid     (heard_valid),
    .room      (store_room && numbers_room && !shell_reset),
    .frame_put (frame_put),
    .frame_data(frame_data),
    .commit    (commit),
    .drop      (drop),
    .ready     (!busy && !waiting),
    .access    (access),
    .is_write  (is_write),
    .number    (number),
    .address   (address),
    .word      (word),
    .refuse    (refuse),
    .reason    (reason)
  );

  assign overrun = refuse && (reason == FULL);

  // Registers.
  wire        done, done_write;
  wire [7:0]  done_number;
  wire [1:0]  resp;
  wire [31:0] read_word;

  sl_serial_master u_master (
    .clk          (clk),
    .rst          (rst),
    .start        (access),
    .is_write     (is_write),
    .number       (number),
    .address      (address),
    .word         (word),
    .busy         (busy),
    .done         (done),
    .done_write   (done_write),
    .done_number  (done_number),
    .resp         (resp),
    .read_word    (read_word),
    .m_axi_awaddr (m_axi_awaddr),
    .m_axi_awvalid(m_axi_awvalid),
    .m_axi_awready(m_axi_awready),
    .m_axi_wdata  (m_axi_wdata),
    .m_axi_wstrb  (m_axi_wstrb),
    .m_axi_wvalid (m_axi_wvalid),
    .m_axi_wready (m_axi_wready),
    .m_axi_bresp  (m_axi_bresp),
    .m_axi_bvalid (m_axi_bvalid),
    .m_axi_bready (m_axi_bready),
    .m_axi_araddr (m_axi_araddr),
    .m_axi_arvalid(m_axi_arvalid),
    .m_axi_arready(m_axi_arready),
    .m_axi_rdata  (m_axi_rdata),
    .m_axi_rresp  (m_axi_rresp),
    .m_axi_rvalid (m_axi_rvalid),
    .m_axi_rready (m_axi_rready)
  );

  // Frames into the core.
  wire                  dropping = rst || shell_reset;
  wire                  empty, byte_valid, byte_ready, beat_valid, beat_ready;
  wire [7:0]            byte_data;
  wire [8*IN_BYTES-1:0] beat_data;
  wire                  unused_last_done;

  sl_serial_store #(
    .FRAME(IN_BYTES * IN_BEATS)
  ) u_store (
    .clk     (clk),
    .rst     (dropping),
    .put     (frame_put),
    .data    (frame_data),
    .commit  (commit),
    .drop    (drop),
    .room    (store_room),
    .empty   (empty),
    .m_tdata (byte_data),
    .m_tvalid(byte_valid),
    .m_tready(byte_ready)
  );

  sl_width #(
    .IN_ELEMS (1),
    .OUT_ELEMS(IN_BYTES),
    .BITS     (8)
  ) u_beats (
    .clk     (clk),
    .rst     (dropping),
    .s_tdata (byte_data),
    .s_tvalid(byte_valid),
    .s_tready(byte_ready),
    .m_tdata (beat_data),
    .m_tvalid(beat_valid),
    .m_tready(beat_ready)
  );

  sl_axis_last #(
    .WIDTH(8 * IN_BYTES),
    .BEATS(IN_BEATS)
  ) u_last (
    .clk          (clk),
    .rst          (dropping),
    .s_tdata      (beat_data),
    .s_tvalid     (beat_valid),
    .s_tready     (beat_ready),
    .m_axis_tdata (m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast (m_axis_tlast),
    .frame_done   (unused_last_done)
  );

  // Frames out of the core, with the numbers of their commands.
  wire       under_way, frame_done, answering;
  wire [7:0] frame_number, out_data;
  wire       out_valid, out_ready;

  sl_fifo #(
    .WIDTH(8),
    .DEPTH(2)
  ) u_numbers (
    .clk     (clk),
    .rst     (dropping),
    .s_tdata (number),
    .s_tvalid(commit),
    .s_tready(numbers_room),
    .m_tdata (frame_number),
    .m_tvalid(under_way),
    .m_tready(frame_done)
  );

  sl_width #(
    .IN_ELEMS (OUT_BYTES),
    .OUT_ELEMS(1),
    .BITS     (8)
  ) u_bytes (
    .clk     (clk),
    .rst     (dropping),
    .s_tdata (s_axis_tdata),
    .s_tvalid(s_axis_tvalid),
    .s_tready(s_axis_tready),
    .m_tdata (out_data),
    .m_tvalid(out_valid),
    .m_tready(out_ready)
  );

  sl_serial_answers #(
    .FRAME(OUT_BYTES * OUT_BEATS)
  ) u_answers (
    .clk            (clk),
    .rst            (rst),
    .flush          (shell_reset),
    .refuse         (refuse),
    .refused_number (number),
    .reason         (reason),
    .done           (done),
    .done_write     (done_write),
    .done_number    (done_number),
    .resp           (resp),
    .read_word      (read_word),
    .waiting        (waiting),
    .frame_under_way(under_way),
    .frame_number   (frame_number),
    .s_tdata        (out_data),
    .s_tvalid       (out_valid),
    .s_tready       (out_ready),
    .answering      (answering),
    .frame_done     (frame_done),
    .m_tdata        (told),
    .m_tvalid       (told_valid),
    .m_tready       (told_ready)
  );

  assign moving = under_way || answering || !empty || beat_valid;

endmodule

`default_nettype wire
