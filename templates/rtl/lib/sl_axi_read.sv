// Reads from an AXI4 memory: the beats of its commands come as one stream.
//
//   m = the 8-byte beats at cmd_addr, cmd_addr + 8, ... of each command, one after the other.
//
// Bursts are those of sl_axi_bursts, INCR, of one ID. A burst is issued when the FIFO has room for
// BURST beats more than are held or on their way: m_axi_rready is constant, and reads are under way
// for more than FIFO - BURST beats, which covers a latency of as many clocks. A command is accepted
// while data of the ones before is still coming.
//
// Timing: m_axi_arvalid 2 clocks after the command; a beat is offered 1 clock after it came; one
// burst and one beat a clock. m_count beats can be taken from now on without a pause.
//
// rst is that of the whole bus, with nothing under way. flush drops all commands and beats while
// the bus goes on: busy is high until every beat still under way has come, and was discarded; until
// then cmd_ready is low. An offered m_axi_arvalid stays. error tells of a beat with SLVERR or
// DECERR, which is passed on as it is, and stays until rst or flush; discarded beats set no error.
`default_nettype none

module sl_axi_read #(
  parameter int BURST = 16,      // most beats of a burst, a power of two from 2 to 256
  parameter int FIFO = 512,      // beats held, a power of two, at least BURST
  parameter int ADDR_BITS = 32,  // of a byte address, at least 13
  localparam int CW = $clog2(FIFO) + 1
) (
  input  wire                  clk,
  input  wire                  rst,
  input  wire                  flush,
  output logic                 busy,
  output logic                 error,
  input  wire                  cmd_valid,
  output logic                 cmd_ready,
  input  wire  [ADDR_BITS-1:0] cmd_addr,   // a multiple of 8
  input  wire  [31:0]          cmd_beats,  // 1 or more; the end lies within the addresses
  output logic [63:0]          m_tdata,
  output logic                 m_tvalid,
  input  wire                  m_tready,
  output logic [CW-1:0]        m_count,
  output logic [ADDR_BITS-1:0] m_axi_araddr,
  output logic [7:0]           m_axi_arlen,
  output logic [2:0]           m_axi_arsize,
  output logic [1:0]           m_axi_arburst,
  output logic [3:0]           m_axi_arcache,
  output logic [2:0]           m_axi_arprot,
  output logic                 m_axi_arvalid,
  input  wire                  m_axi_arready,
  input  wire  [63:0]          m_axi_rdata,
  input  wire  [1:0]           m_axi_rresp,
  input  wire                  m_axi_rlast,
  input  wire                  m_axi_rvalid,
  output logic                 m_axi_rready
);

  localparam int LB = $clog2(BURST);

  wire                 burst_valid, commands_ready;
  wire [ADDR_BITS-1:0] burst_addr;
  wire [7:0]           burst_len;
  wire                 fifo_ready, burst_last;
  logic [CW-1:0]       free_q;     // places of the FIFO that no beat has or will have
  logic [CW-1:0]       pending_q;  // beats of offered bursts that have not come

  wire held  = flush || busy;
  wire issue = burst_valid && !held && (!m_axi_arvalid || m_axi_arready) && (free_q[CW-1:LB] != '0);
  wire keep  = m_axi_rvalid && !held;
  wire take  = m_tvalid && m_tready;
  wire [CW-1:0] issued = issue ? CW'(burst_len) + CW'(1) : '0;

  assign cmd_ready     = commands_ready && !held;
  assign m_axi_arsize  = 3'b011;
  assign m_axi_arburst = 2'b01;
  assign m_axi_arcache = 4'b0011;
  assign m_axi_arprot  = 3'b000;
  assign m_axi_rready  = 1'b1;

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

  sl_fifo #(
    .WIDTH(64),
    .DEPTH(FIFO)
  ) u_fifo (
    .clk     (clk),
    .rst     (rst || flush),
    .s_tdata (m_axi_rdata),
    .s_tvalid(keep),
    .s_tready(fifo_ready),
    .m_tdata (m_tdata),
    .m_tvalid(m_tvalid),
    .m_tready(m_tready)
  );

  always_ff @(posedge clk) begin
    if (rst) m_axi_arvalid <= 1'b0;
    else if (issue || m_axi_arready) m_axi_arvalid <= issue;
    if (issue) begin
      m_axi_araddr <= burst_addr;
      m_axi_arlen  <= burst_len;
    end
  end

  always_ff @(posedge clk) begin
    free_q    <= free_q - issued + CW'(take);
    m_count   <= m_count + CW'(keep) - CW'(take);
    error     <= error || (keep && m_axi_rresp[1]);
    busy      <= flush || (busy && (pending_q != '0));
    pending_q <= pending_q + issued - CW'(m_axi_rvalid);
    if (rst || flush) begin
      free_q  <= CW'(FIFO);
      m_count <= '0;
      error   <= 1'b0;
    end
    if (rst) begin
      busy      <= 1'b0;
      pending_q <= '0;
    end
  end

  wire unused_bits = &{1'b0, m_axi_rresp[0], m_axi_rlast, fifo_ready, burst_last};

endmodule

`default_nettype wire
