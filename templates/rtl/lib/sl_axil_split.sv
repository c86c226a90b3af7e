// AXI4-Lite: one master for two slaves, a below and b from the middle of the addresses on.
//
// The highest bit of an address chooses; a slave sees the whole address. One access at a time is
// under way in each direction. Address and data of a write are accepted in any order, and offered
// to the slave, each until it is taken, once both are there.
//
// Timing: a request is offered 1 clock after it came; responses are wires.
`default_nettype none

module sl_axil_split #(
  parameter int ADDR_BITS = 12  // of the byte address
) (
  input  wire                  clk,
  input  wire                  rst,

  input  wire  [ADDR_BITS-1:0] s_axi_awaddr,
  input  wire                  s_axi_awvalid,
  output logic                 s_axi_awready,
  input  wire  [31:0]          s_axi_wdata,
  input  wire  [3:0]           s_axi_wstrb,
  input  wire                  s_axi_wvalid,
  output logic                 s_axi_wready,
  output logic [1:0]           s_axi_bresp,
  output logic                 s_axi_bvalid,
  input  wire                  s_axi_bready,
  input  wire  [ADDR_BITS-1:0] s_axi_araddr,
  input  wire                  s_axi_arvalid,
  output logic                 s_axi_arready,
  output logic [31:0]          s_axi_rdata,
  output logic [1:0]           s_axi_rresp,
  output logic                 s_axi_rvalid,
  input  wire                  s_axi_rready,

  // Those of both, meant for the one whose valid is high.
  output logic [ADDR_BITS-1:0] m_axi_awaddr,
  output logic [31:0]          m_axi_wdata,
  output logic [3:0]           m_axi_wstrb,
  output logic [ADDR_BITS-1:0] m_axi_araddr,

  output logic                 a_axi_awvalid,
  input  wire                  a_axi_awready,
  output logic                 a_axi_wvalid,
  input  wire                  a_axi_wready,
  input  wire  [1:0]           a_axi_bresp,
  input  wire                  a_axi_bvalid,
  output logic                 a_axi_bready,
  output logic                 a_axi_arvalid,
  input  wire                  a_axi_arready,
  input  wire  [31:0]          a_axi_rdata,
  input  wire  [1:0]           a_axi_rresp,
  input  wire                  a_axi_rvalid,
  output logic                 a_axi_rready,

  output logic                 b_axi_awvalid,
  input  wire                  b_axi_awready,
  output logic                 b_axi_wvalid,
  input  wire                  b_axi_wready,
  input  wire  [1:0]           b_axi_bresp,
  input  wire                  b_axi_bvalid,
  output logic                 b_axi_bready,
  output logic                 b_axi_arvalid,
  input  wire                  b_axi_arready,
  input  wire  [31:0]          b_axi_rdata,
  input  wire  [1:0]           b_axi_rresp,
  input  wire                  b_axi_rvalid,
  output logic                 b_axi_rready
);

  // A request is held (full) until its response is taken; it is open until a slave took it.
  logic aw_full_q, w_full_q, ar_full_q;
  logic aw_open_q, w_open_q, ar_open_q;

  wire write   = aw_full_q && w_full_q;
  wire write_b = m_axi_awaddr[ADDR_BITS-1];
  wire read_b  = m_axi_araddr[ADDR_BITS-1];

  assign s_axi_awready = !aw_full_q;
  assign s_axi_wready  = !w_full_q;
  assign s_axi_arready = !ar_full_q;

  assign a_axi_awvalid = write && aw_open_q && !write_b;
  assign b_axi_awvalid = write && aw_open_q && write_b;
  assign a_axi_wvalid  = write && w_open_q && !write_b;
  assign b_axi_wvalid  = write && w_open_q && write_b;
  assign a_axi_arvalid = ar_open_q && !read_b;
  assign b_axi_arvalid = ar_open_q && read_b;

  assign s_axi_bresp  = write_b ? b_axi_bresp : a_axi_bresp;
  assign s_axi_bvalid = write && (write_b ? b_axi_bvalid : a_axi_bvalid);
  assign a_axi_bready = write && !write_b && s_axi_bready;
  assign b_axi_bready = write && write_b && s_axi_bready;

  assign s_axi_rdata  = read_b ? b_axi_rdata : a_axi_rdata;
  assign s_axi_rresp  = read_b ? b_axi_rresp : a_axi_rresp;
  assign s_axi_rvalid = ar_full_q && (read_b ? b_axi_rvalid : a_axi_rvalid);
  assign a_axi_rready = ar_full_q && !read_b && s_axi_rready;
  assign b_axi_rready = ar_full_q && read_b && s_axi_rready;

  wire aw_taken = write && (write_b ? b_axi_awready : a_axi_awready);
  wire w_taken  = write && (write_b ? b_axi_wready : a_axi_wready);
  wire ar_taken = read_b ? b_axi_arready : a_axi_arready;
  wire written  = s_axi_bvalid && s_axi_bready;
  wire was_read = s_axi_rvalid && s_axi_rready;

  always_ff @(posedge clk) begin
    aw_full_q <= aw_full_q ? !written : s_axi_awvalid;
    w_full_q  <= w_full_q ? !written : s_axi_wvalid;
    ar_full_q <= ar_full_q ? !was_read : s_axi_arvalid;
    aw_open_q <= aw_full_q ? aw_open_q && !aw_taken : s_axi_awvalid;
    w_open_q  <= w_full_q ? w_open_q && !w_taken : s_axi_wvalid;
    ar_open_q <= ar_full_q ? ar_open_q && !ar_taken : s_axi_arvalid;
    if (rst) begin
      {aw_full_q, w_full_q, ar_full_q} <= '0;
      {aw_open_q, w_open_q, ar_open_q} <= '0;
    end
  end

  always_ff @(posedge clk) begin
    if (s_axi_awready) m_axi_awaddr <= s_axi_awaddr;
    if (s_axi_wready) {m_axi_wdata, m_axi_wstrb} <= {s_axi_wdata, s_axi_wstrb};
    if (s_axi_arready) m_axi_araddr <= s_axi_araddr;
  end

endmodule

`default_nettype wire
