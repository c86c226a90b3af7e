// Input guard of a core: makes frames of exactly BEATS beats of whatever AXI4-Stream gives.
//
// - A frame whose TLAST comes early is completed with beats of zeros; err_short tells.
// - A frame without TLAST on beat BEATS-1 is passed on, and further beats up to and including
//   that with TLAST are dropped; err_long tells.
// - After a reset in mid-frame, beats up to and including that with TLAST are dropped. Where the
//   input stands within its frame is therefore remembered through reset.
// - While hold is high no frame begins; one that has begun goes on to its end.
//
// The frame after any of these is right.
//
// Timing: an accepted beat is offered 1 clock later, one beat a clock; s_axis_tready is low during
// reset and while zeros are filled in, high while beats are dropped, and otherwise depends on
// m_tready combinationally. frame_start, err_short and err_long are high for 1 clock: that after
// the acceptance of the first beat, of the beat with early TLAST, of beat BEATS-1 without TLAST.
`default_nettype none

module sl_axis_framer #(
  parameter int WIDTH = 8,  // bits a beat
  parameter int BEATS = 16  // beats a frame
) (
  input  wire              clk,
  input  wire              rst,
  input  wire              hold,
  input  wire  [WIDTH-1:0] s_axis_tdata,
  input  wire              s_axis_tvalid,
  output logic             s_axis_tready,
  input  wire              s_axis_tlast,
  output logic [WIDTH-1:0] m_tdata,
  output logic             m_tvalid,
  input  wire              m_tready,
  output logic             frame_start,
  output logic             err_short,
  output logic             err_long
);

  localparam int CW = (BEATS > 1) ? $clog2(BEATS) : 1;

  logic          in_frame_q;  // the input is inside a frame; not reset
  logic          resync_q;    // what the input is inside of is not to be passed on
  logic          filling_q;   // the frame ended early: zeros up to its end
  logic [CW-1:0] count_q;     // beats of the frame already passed on

  initial in_frame_q = 1'b0;

  wire enable   = !m_tvalid || m_tready;
  wire dropping = resync_q && in_frame_q;
  wire accept   = s_axis_tvalid && s_axis_tready;
  wire pass     = accept && !dropping;
  wire give     = pass || (filling_q && enable);
  wire last     = count_q == CW'(BEATS - 1);

  wire closed   = filling_q || (hold && count_q == '0);

  assign s_axis_tready = !rst && (dropping || (enable && !closed));

  always_ff @(posedge clk) if (accept) in_frame_q <= !s_axis_tlast;

  always_ff @(posedge clk) begin
    if (enable) begin
      m_tdata  <= filling_q ? '0 : s_axis_tdata;
      m_tvalid <= give;
    end
    if (give) begin
      count_q   <= last ? '0 : count_q + CW'(1);
      filling_q <= !last && (filling_q || s_axis_tlast);
    end
    if (pass) resync_q <= last;
    frame_start <= pass && (count_q == '0);
    err_short   <= pass && !last && s_axis_tlast;
    err_long    <= pass && last && !s_axis_tlast;
    if (rst) begin
      m_tvalid    <= 1'b0;
      count_q     <= '0;
      filling_q   <= 1'b0;
      resync_q    <= 1'b1;
      frame_start <= 1'b0;
      err_short   <= 1'b0;
      err_long    <= 1'b0;
    end
  end

endmodule

`default_nettype wire
