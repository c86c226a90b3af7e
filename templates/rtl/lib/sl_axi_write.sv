// Writes to an AXI4 memory: each command takes its beats from one stream.
//
//   The 8-byte beats at cmd_addr, cmd_addr + 8, ... of each command = the next beats of s.
//
// Bursts are those of sl_axi_bursts, INCR, of one ID, at most OUTSTANDING (16) without a response.
// The address of a burst is offered without regard to its data, and its data without regard to
// whether the address was taken: a memory may wait for either before it takes the other.
// m_axi_bready is constant.
//
// Timing: m_axi_awvalid 2 clocks after the command; a beat of s is offered 1 clock after it was
// accepted, the first one 3 clocks after its command at the earliest; one beat a clock. s_tready
// depends on m_axi_wready combinationally. In the clock after the last response of a command, done
// is high for one clock.
//
// rst is that of the whole bus, with nothing under way. flush drops all commands while the bus goes
// on: busy is high until the offered bursts are finished, with beats that write nothing (no strobe)
// in place of those missing; until then cmd_ready and s_tready are low, and done stays low. An
// offered address or beat stays as it is. error tells of a response SLVERR or DECERR and stays
// until rst or flush; responses to flushed bursts set no error.
`default_nettype none

module sl_axi_write #(
  parameter int BURST = 16,     // most beats of a burst, a power of two from 2 to 256
  parameter int ADDR_BITS = 32  // of a byte address, at least 13
) (
  input  wire                  clk,
  input  wire                  rst,
  input  wire                  flush,
  output logic                 busy,
  output logic                 error,
  output logic                 done,
  input  wire                  cmd_valid,
  output logic                 cmd_ready,
  input  wire  [ADDR_BITS-1:0] cmd_addr,   // a multiple of 8
  input  wire  [31:0]          cmd_beats,  // 1 or more; the end lies within the addresses
  input  wire  [63:0]          s_tdata,
  input  wire                  s_tvalid,
  output logic                 s_tready,
  output logic [ADDR_BITS-1:0] m_axi_awaddr,
  output logic [7:0]           m_axi_awlen,
  output logic [2:0]           m_axi_awsize,
  output logic [1:0]           m_axi_awburst,
  output logic [3:0]           m_axi_awcache,
  output logic [2:0]           m_axi_awprot,
  output logic                 m_axi_awvalid,
  input  wire                  m_axi_awready,
  output logic [63:0]          m_axi_wdata,
  output logic [7:0]           m_axi_wstrb,
  output logic                 m_axi_wlast,
  output logic                 m_axi_wvalid,
  input  wire                  m_axi_wready,
  input  wire  [1:0]           m_axi_bresp,
  input  wire                  m_axi_bvalid,
  output logic                 m_axi_bready
);

  localparam int OUTSTANDING = 16;

  wire                 burst_valid, burst_last, commands_ready;
  wire [ADDR_BITS-1:0] burst_addr;
  wire [7:0]           burst_len;
  wire                 data_ready, data_valid, response_ready, response_valid, response_last;
  wire [7:0]           data_len;
  logic [7:0]          beat_q;  // of the burst whose data goes out

  wire held  = flush || busy;
  wire issue = burst_valid && !held && (!m_axi_awvalid || m_axi_awready) && data_ready
             && response_ready;
  wire room  = data_valid && (!m_axi_wvalid || m_axi_wready);
  wire put   = room && (busy || (s_tvalid && !flush));
  wire last  = beat_q == data_len;

  assign cmd_ready     = commands_ready && !held;
  assign s_tready      = room && !held;
  assign m_axi_awsize  = 3'b011;
  assign m_axi_awburst = 2'b01;
  assign m_axi_awcache = 4'b0011;
  assign m_axi_awprot  = 3'b000;
  assign m_axi_bready  = 1'b1;

  sl_axi_bursts #(
    .BURST(BURST),
    .ADDR_BITS(ADDR_BITS)
  ) u_bursts (
    .clk        (clk),
    .rst        (rst || flush),
    .cmd_valid  (cmd_valid && !held),
    .cmd_ready  (commands_ready),
    .cmd_addr   (cmd_addr),
    .cmd_beats  (cmd_beats),
    .burst_valid(burst_valid),
    .burst_ready(issue),
    .burst_addr (burst_addr),
    .burst_len  (burst_len),
    .burst_last (burst_last)
  );

  // Bursts whose data is not yet offered, and those whose response has not come.
  sl_fifo #(
    .WIDTH(8),
    .DEPTH(OUTSTANDING)
  ) u_data (
    .clk     (clk),
    .rst     (rst),
    .s_tdata (burst_len),
    .s_tvalid(issue),
    .s_tready(data_ready),
    .m_tdata (data_len),
    .m_tvalid(data_valid),
    .m_tready(put && last)
  );

  sl_fifo #(
    .WIDTH(1),
    .DEPTH(OUTSTANDING)
  ) u_responses (
    .clk     (clk),
    .rst     (rst),
    .s_tdata (burst_last),
    .s_tvalid(issue),
    .s_tready(response_ready),
    .m_tdata (response_last),
    .m_tvalid(response_valid),
    .m_tready(m_axi_bvalid)
  );

  always_ff @(posedge clk) begin
    if (rst) m_axi_awvalid <= 1'b0;
    else if (issue || m_axi_awready) m_axi_awvalid <= issue;
    if (issue) begin
      m_axi_awaddr <= burst_addr;
      m_axi_awlen  <= burst_len;
    end
  end

  always_ff @(posedge clk) begin
    if (put) beat_q <= last ? '0 : beat_q + 8'd1;
    if (put || m_axi_wready) m_axi_wvalid <= put;
    if (put) begin
      m_axi_wdata <= s_tdata;
      m_axi_wstrb <= {8{!busy}};
      m_axi_wlast <= last;
    end
    if (rst) begin
      beat_q       <= '0;
      m_axi_wvalid <= 1'b0;
    end
  end

  always_ff @(posedge clk) begin
    done  <= m_axi_bvalid && response_last && !held;
    error <= (error || (m_axi_bvalid && m_axi_bresp[1])) && !held;
    busy  <= flush || (busy && response_valid);
    if (rst) begin
      done  <= 1'b0;
      error <= 1'b0;
      busy  <= 1'b0;
    end
  end

  wire unused_bits = &{1'b0, m_axi_bresp[0]};

endmodule

`default_nettype wire
