// Changes the width of a stream; the sequence of elements stays the same.
//
//   IN_ELEMS elements of BITS bits a beat in, OUT_ELEMS out; one must divide the other.
//
// Timing: full throughput on the wider beat's side: the narrow side moves a beat every clock.
// Widening: m_tvalid 1 clock after the last of its OUT_ELEMS/IN_ELEMS beats is accepted; the next
// beat is accepted in the clock the output is taken. Narrowing: m_tvalid 1 clock after acceptance;
// the next beat is accepted in the clock the last of its IN_ELEMS/OUT_ELEMS parts is taken. Equal
// widths: wires. s_tready depends on m_tready combinationally.
`default_nettype none

module sl_width #(
  parameter int IN_ELEMS  = 2, // elements an input beat
  parameter int OUT_ELEMS = 6, // elements an output beat
  parameter int BITS      = 8  // bits an element
) (
  input  wire                       clk,
  input  wire                       rst,
  input  wire  [IN_ELEMS*BITS-1:0]  s_tdata,
  input  wire                       s_tvalid,
  output logic                      s_tready,
  output logic [OUT_ELEMS*BITS-1:0] m_tdata,
  output logic                      m_tvalid,
  input  wire                       m_tready
);

  localparam int IN_BITS  = IN_ELEMS * BITS;
  localparam int OUT_BITS = OUT_ELEMS * BITS;

  if (IN_ELEMS == OUT_ELEMS) begin : gen_equal
    wire unused = &{1'b0, clk, rst};
    assign m_tdata  = s_tdata;
    assign m_tvalid = s_tvalid;
    assign s_tready = m_tready;
  end else if (IN_ELEMS < OUT_ELEMS) begin : gen_widen
    localparam int RATIO = OUT_ELEMS / IN_ELEMS;
    localparam int CW    = $clog2(RATIO);
    logic [CW-1:0] count_q;  // parts in m_tdata of the beat being collected
    wire           last = count_q == CW'(RATIO - 1);

    assign s_tready = !m_tvalid || m_tready;
    always_ff @(posedge clk) begin
      if (m_tready) m_tvalid <= 1'b0;
      if (s_tvalid && s_tready) begin
        m_tdata  <= {s_tdata, m_tdata[OUT_BITS-1:IN_BITS]};
        m_tvalid <= last;
        count_q  <= last ? '0 : count_q + CW'(1);
      end
      if (rst) begin
        m_tvalid <= 1'b0;
        count_q  <= '0;
      end
    end
  end else begin : gen_narrow
    localparam int RATIO = IN_ELEMS / OUT_ELEMS;
    localparam int CW    = $clog2(RATIO);
    logic [IN_BITS-1:0] parts_q;  // the part offered is the lowest
    logic [CW-1:0]      count_q;  // parts already given
    wire                last = count_q == CW'(RATIO - 1);

    assign m_tdata  = parts_q[OUT_BITS-1:0];
    assign s_tready = !m_tvalid || (m_tready && last);
    always_ff @(posedge clk) begin
      if (s_tready) begin
        parts_q  <= s_tdata;
        m_tvalid <= s_tvalid;
        count_q  <= '0;
      end else if (m_tready) begin
        parts_q <= parts_q >> OUT_BITS;
        count_q <= count_q + CW'(1);
      end
      if (rst) m_tvalid <= 1'b0;
    end
  end

endmodule

`default_nettype wire
