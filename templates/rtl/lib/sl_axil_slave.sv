// AXI4-Lite slave: the handshakes of a register file, whose decoding stands outside.
//
// Write: address and data are accepted in any order; when both are there and the response channel
// is free, wr_en holds for one clock with word address, data and the strobes widened to bits.
// Read: rd_data is taken when the address is there and the response channel is free. wr_ok and
// rd_ok answer combinationally; a low one makes the response SLVERR. The two low address bits are
// ignored. An access takes two clocks; responses wait for their ready as long as needed.
`default_nettype none

module sl_axil_slave #(
  parameter int ADDR_BITS = 12,  // of the byte address
  localparam int WORD_BITS = ADDR_BITS - 2
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

  output logic                 wr_en,
  output logic [WORD_BITS-1:0] wr_addr,
  output logic [31:0]          wr_data,
  output logic [31:0]          wr_mask,
  input  wire                  wr_ok,
  output logic [WORD_BITS-1:0] rd_addr,
  input  wire  [31:0]          rd_data,
  input  wire                  rd_ok
);

  localparam logic [1:0] OKAY = 2'b00;
  localparam logic [1:0] SLVERR = 2'b10;

  // One held item per request channel; ready means that its place is free.
  logic aw_full_q, w_full_q, ar_full_q;
  assign s_axi_awready = !aw_full_q;
  assign s_axi_wready = !w_full_q;
  assign s_axi_arready = !ar_full_q;

  wire rd_en = ar_full_q && (!s_axi_rvalid || s_axi_rready);
  assign wr_en = aw_full_q && w_full_q && (!s_axi_bvalid || s_axi_bready);

  always_ff @(posedge clk) begin
    if (rst) begin
      aw_full_q <= 1'b0;
      w_full_q <= 1'b0;
      ar_full_q <= 1'b0;
      s_axi_bvalid <= 1'b0;
      s_axi_rvalid <= 1'b0;
    end else begin
      aw_full_q <= aw_full_q ? !wr_en : s_axi_awvalid;
      w_full_q <= w_full_q ? !wr_en : s_axi_wvalid;
      ar_full_q <= ar_full_q ? !rd_en : s_axi_arvalid;
      s_axi_bvalid <= wr_en || (s_axi_bvalid && !s_axi_bready);
      s_axi_rvalid <= rd_en || (s_axi_rvalid && !s_axi_rready);
    end
  end

  always_ff @(posedge clk) begin
    if (s_axi_awready) wr_addr <= s_axi_awaddr[ADDR_BITS-1:2];
    if (s_axi_wready) begin
      wr_data <= s_axi_wdata;
      wr_mask <= {
        {8{s_axi_wstrb[3]}}, {8{s_axi_wstrb[2]}}, {8{s_axi_wstrb[1]}}, {8{s_axi_wstrb[0]}}
      };
    end
    if (s_axi_arready) rd_addr <= s_axi_araddr[ADDR_BITS-1:2];
    if (wr_en) s_axi_bresp <= wr_ok ? OKAY : SLVERR;
    if (rd_en) begin
      s_axi_rdata <= rd_data;
      s_axi_rresp <= rd_ok ? OKAY : SLVERR;
    end
  end

  wire unused_byte_address = &{1'b0, s_axi_awaddr[1:0], s_axi_araddr[1:0]};

endmodule

`default_nettype wire
