// Master of an AXI4-Lite bus for commands that come one at a time.
//
// A write with the number of the command before is that command once more: it is answered as
// before and not done again. An address outside of the window of 4 KiB is answered by SLVERR.
//
// Timing: valids rise 1 clock after start, done is high for 1 clock, that after the response; for
// what needs no access it is the clock after start. m_axi_awaddr holds through an access. busy is
// high from the clock after start until done. done_write, done_number, resp and read_word are of
// the last command and hold until the next.
`default_nettype none

module sl_serial_master (
  input  wire         clk,
  input  wire         rst,

  input  wire         start,
  input  wire         is_write,
  input  wire  [7:0]  number,
  input  wire  [15:0] address,
  input  wire  [31:0] word,
  output logic        busy,
  output logic        done,
  output logic        done_write,
  output logic [7:0]  done_number,
  output logic [1:0]  resp,
  output logic [31:0] read_word,

  output logic [11:0] m_axi_awaddr,
  output logic        m_axi_awvalid,
  input  wire         m_axi_awready,
  output logic [31:0] m_axi_wdata,
  output logic [3:0]  m_axi_wstrb,
  output logic        m_axi_wvalid,
  input  wire         m_axi_wready,
  input  wire  [1:0]  m_axi_bresp,
  input  wire         m_axi_bvalid,
  output logic        m_axi_bready,
  output logic [11:0] m_axi_araddr,
  output logic        m_axi_arvalid,
  input  wire         m_axi_arready,
  input  wire  [31:0] m_axi_rdata,
  input  wire  [1:0]  m_axi_rresp,
  input  wire         m_axi_rvalid,
  output logic        m_axi_rready
);

  localparam logic [1:0] SLVERR = 2'b10;

  // A write is known again only right behind itself, so done_write and done_number tell.
  wire again   = is_write && done_write && (done_number == number);
  wire outside = address[15:12] != '0;

  assign m_axi_wstrb  = '1;
  assign m_axi_bready = 1'b1;
  assign m_axi_rready = 1'b1;
  assign m_axi_araddr = m_axi_awaddr;

  always_ff @(posedge clk) begin
    done <= 1'b0;
    if (m_axi_awready) m_axi_awvalid <= 1'b0;
    if (m_axi_wready) m_axi_wvalid <= 1'b0;
    if (m_axi_arready) m_axi_arvalid <= 1'b0;
    if (start) begin
      done_number   <= number;
      done_write    <= is_write;
      m_axi_awaddr  <= address[11:0];
      m_axi_wdata   <= word;
      m_axi_awvalid <= is_write && !again && !outside;
      m_axi_wvalid  <= is_write && !again && !outside;
      m_axi_arvalid <= !is_write && !outside;
      busy          <= !again && !outside;
      done          <= again || outside;
      if (outside && !again) resp <= SLVERR;
      if (outside) read_word <= '0;
    end
    if (busy && (m_axi_bvalid || m_axi_rvalid)) begin
      busy <= 1'b0;
      done <= 1'b1;
      resp <= m_axi_bvalid ? m_axi_bresp : m_axi_rresp;
      if (m_axi_rvalid) read_word <= m_axi_rdata;
    end
    if (rst) begin
      done_write    <= 1'b0;
      busy          <= 1'b0;
      done          <= 1'b0;
      m_axi_awvalid <= 1'b0;
      m_axi_wvalid  <= 1'b0;
      m_axi_arvalid <= 1'b0;
    end
  end

endmodule

`default_nettype wire
