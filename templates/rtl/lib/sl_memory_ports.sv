// The memory ports of an engine: all of them read, the first WRITERS of them write.
//
// Vectors hold the ports side by side, port 0 in the low bits; each is an sl_axi_read and an
// sl_axi_write, whose headers say what commands, streams, rst and flush do. `error`: any of them
// was answered SLVERR or DECERR.
`default_nettype none

module sl_memory_ports #(
  parameter int PORTS = 3,
  parameter int WRITERS = 2
) (
  input  wire                     clk,
  input  wire                     rst,
  input  wire                     flush,
  output logic                    error,

  input  wire  [PORTS-1:0]        rcmd_valid,
  output logic [PORTS-1:0]        rcmd_ready,
  input  wire  [PORTS*32-1:0]     rcmd_addr,
  input  wire  [PORTS*32-1:0]     rcmd_beats,
  output logic [PORTS*64-1:0]     r_tdata,
  output logic [PORTS-1:0]        r_tvalid,
  input  wire  [PORTS-1:0]        r_tready,

  input  wire  [WRITERS-1:0]      wcmd_valid,
  output logic [WRITERS-1:0]      wcmd_ready,
  input  wire  [WRITERS*32-1:0]   wcmd_addr,
  input  wire  [WRITERS*32-1:0]   wcmd_beats,
  input  wire  [WRITERS*64-1:0]   w_tdata,
  input  wire  [WRITERS-1:0]      w_tvalid,
  output logic [WRITERS-1:0]      w_tready,
  output logic [WRITERS-1:0]      write_done,

  output logic [PORTS*32-1:0]         m_axi_araddr,
  output logic [PORTS*8-1:0]          m_axi_arlen,
  output logic [PORTS*3-1:0]          m_axi_arsize,
  output logic [PORTS*2-1:0]          m_axi_arburst,
  output logic [PORTS*4-1:0]          m_axi_arcache,
  output logic [PORTS*3-1:0]          m_axi_arprot,
  output logic [PORTS-1:0]            m_axi_arvalid,
  input  wire  [PORTS-1:0]            m_axi_arready,
  input  wire  [PORTS*64-1:0]         m_axi_rdata,
  input  wire  [PORTS*2-1:0]          m_axi_rresp,
  input  wire  [PORTS-1:0]            m_axi_rlast,
  input  wire  [PORTS-1:0]            m_axi_rvalid,
  output logic [PORTS-1:0]            m_axi_rready,
  output logic [PORTS*32-1:0]         m_axi_awaddr,
  output logic [PORTS*8-1:0]          m_axi_awlen,
  output logic [PORTS*3-1:0]          m_axi_awsize,
  output logic [PORTS*2-1:0]          m_axi_awburst,
  output logic [PORTS*4-1:0]          m_axi_awcache,
  output logic [PORTS*3-1:0]          m_axi_awprot,
  output logic [PORTS-1:0]            m_axi_awvalid,
  input  wire  [PORTS-1:0]            m_axi_awready,
  output logic [PORTS*64-1:0]         m_axi_wdata,
  output logic [PORTS*8-1:0]          m_axi_wstrb,
  output logic [PORTS-1:0]            m_axi_wlast,
  output logic [PORTS-1:0]            m_axi_wvalid,
  input  wire  [PORTS-1:0]            m_axi_wready,
  input  wire  [PORTS*2-1:0]          m_axi_bresp,
  input  wire  [PORTS-1:0]            m_axi_bvalid,
  output logic [PORTS-1:0]            m_axi_bready
);

  wire [PORTS-1:0] read_error, read_busy, write_error, write_busy;
  assign error = |{read_error, write_error};
  wire unused_busy = &{1'b0, read_busy, write_busy};

  for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_port
    wire [9:0] unused_count;
    sl_axi_read i_read (
      .clk(clk), .rst(rst), .flush(flush), .busy(read_busy[p]), .error(read_error[p]),
      .cmd_valid(rcmd_valid[p]), .cmd_ready(rcmd_ready[p]), .cmd_addr(rcmd_addr[p*32 +: 32]),
      .cmd_beats(rcmd_beats[p*32 +: 32]), .m_tdata(r_tdata[p*64 +: 64]), .m_tvalid(r_tvalid[p]),
      .m_tready(r_tready[p]), .m_count(unused_count),
      .m_axi_araddr(m_axi_araddr[p*32 +: 32]), .m_axi_arlen(m_axi_arlen[p*8 +: 8]),
      .m_axi_arsize(m_axi_arsize[p*3 +: 3]), .m_axi_arburst(m_axi_arburst[p*2 +: 2]),
      .m_axi_arcache(m_axi_arcache[p*4 +: 4]), .m_axi_arprot(m_axi_arprot[p*3 +: 3]),
      .m_axi_arvalid(m_axi_arvalid[p]), .m_axi_arready(m_axi_arready[p]),
      .m_axi_rdata(m_axi_rdata[p*64 +: 64]), .m_axi_rresp(m_axi_rresp[p*2 +: 2]),
      .m_axi_rlast(m_axi_rlast[p]), .m_axi_rvalid(m_axi_rvalid[p]),
      .m_axi_rready(m_axi_rready[p])
    );
    if (p < WRITERS) begin : gen_write
      sl_axi_write i_write (
        .clk(clk), .rst(rst), .flush(flush), .busy(write_busy[p]), .error(write_error[p]),
        .done(write_done[p]), .cmd_valid(wcmd_valid[p]), .cmd_ready(wcmd_ready[p]),
        .cmd_addr(wcmd_addr[p*32 +: 32]), .cmd_beats(wcmd_beats[p*32 +: 32]),
        .s_tdata(w_tdata[p*64 +: 64]), .s_tvalid(w_tvalid[p]), .s_tready(w_tready[p]),
        .m_axi_awaddr(m_axi_awaddr[p*32 +: 32]), .m_axi_awlen(m_axi_awlen[p*8 +: 8]),
        .m_axi_awsize(m_axi_awsize[p*3 +: 3]), .m_axi_awburst(m_axi_awburst[p*2 +: 2]),
        .m_axi_awcache(m_axi_awcache[p*4 +: 4]), .m_axi_awprot(m_axi_awprot[p*3 +: 3]),
        .m_axi_awvalid(m_axi_awvalid[p]), .m_axi_awready(m_axi_awready[p]),
        .m_axi_wdata(m_axi_wdata[p*64 +: 64]), .m_axi_wstrb(m_axi_wstrb[p*8 +: 8]),
        .m_axi_wlast(m_axi_wlast[p]), .m_axi_wvalid(m_axi_wvalid[p]),
        .m_axi_wready(m_axi_wready[p]), .m_axi_bresp(m_axi_bresp[p*2 +: 2]),
        .m_axi_bvalid(m_axi_bvalid[p]), .m_axi_bready(m_axi_bready[p])
      );
    end else begin : gen_silent
      assign {write_busy[p], write_error[p]} = '0;
      assign m_axi_awaddr[p*32 +: 32] = '0;
      assign m_axi_awlen[p*8 +: 8] = '0;
      assign m_axi_awsize[p*3 +: 3] = 3'b011;
      assign m_axi_awburst[p*2 +: 2] = 2'b01;
      assign m_axi_awcache[p*4 +: 4] = '0;
      assign m_axi_awprot[p*3 +: 3] = '0;
      assign m_axi_awvalid[p] = 1'b0;
      assign m_axi_wdata[p*64 +: 64] = '0;
      assign m_axi_wstrb[p*8 +: 8] = '0;
      assign m_axi_wlast[p] = 1'b0;
      assign m_axi_wvalid[p] = 1'b0;
      assign m_axi_bready[p] = 1'b1;
      wire unused_write = &{1'b0, m_axi_awready[p], m_axi_wready[p], m_axi_bresp[p*2 +: 2],
                            m_axi_bvalid[p]};
    end
  end

endmodule

`default_nettype wire
