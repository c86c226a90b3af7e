// Output side of sl_window: holds one window and gives it NF times in SF slices, slice 0 first.
//
// Timing: SF*NF beats a window, without a pause between windows; s_tready is high in the clock the
// last slice leaves the hold register. A slice shows on m 1 clock after the window is accepted for
// SF = 1 (the hold register is the output), 2 clocks after it otherwise (slices are registered).
`default_nettype none

module sl_window_slice #(
  parameter int BITS = 200,  // bits a slice
  parameter int SF   = 6,    // slices a window
  parameter int NF   = 1     // passes over the window
) (
  input  wire                clk,
  input  wire                rst,
  input  wire  [SF*BITS-1:0] s_tdata,
  input  wire                s_tvalid,
  output logic               s_tready,
  output logic [BITS-1:0]    m_tdata,
  output logic               m_tvalid,
  input  wire                m_tready
);

  localparam int SW = (SF > 1) ? $clog2(SF) : 1;
  localparam int PW = (NF > 1) ? $clog2(NF) : 1;

  logic [SF*BITS-1:0] hold_q;
  logic               held_q;  // hold_q is a window not wholly given
  logic [SW-1:0]      slice;
  logic [PW-1:0]      pass;
  logic               take;    // the slice leaves the hold register

  wire slice_last = slice == SW'(SF - 1);
  wire pass_last  = pass == PW'(NF - 1);

  assign s_tready = !held_q || (take && slice_last && pass_last);

  sl_wrap_counter #(.COUNT(SF)) i_slice (.clk(clk), .rst(rst), .step(take), .count(slice));
  sl_wrap_counter #(.COUNT(NF)) i_pass (
    .clk(clk), .rst(rst), .step(take && slice_last), .count(pass)
  );

  always_ff @(posedge clk) begin
    if (rst) held_q <= 1'b0;
    else if (s_tready) held_q <= s_tvalid;
  end
  always_ff @(posedge clk) if (s_tready && s_tvalid) hold_q <= s_tdata;

  if (SF == 1) begin : gen_whole
    assign take     = held_q && m_tready;
    assign m_tdata  = hold_q;
    assign m_tvalid = held_q;
  end else begin : gen_slices
    assign take = held_q && (!m_tvalid || m_tready);
    always_ff @(posedge clk) begin
      if (rst) m_tvalid <= 1'b0;
      else if (!m_tvalid || m_tready) m_tvalid <= held_q;
    end
    always_ff @(posedge clk) if (take) m_tdata <= hold_q[slice*BITS +: BITS];
  end

endmodule

`default_nettype wire
