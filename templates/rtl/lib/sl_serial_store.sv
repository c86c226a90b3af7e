// Holds frames of bytes until each is known to be whole, then gives them as a stream.
//
// put adds a byte to the frame that comes in, commit ends it, drop forgets what came of it. room:
// fewer than two frames are held; where it is low, no frame may begin.
//
// Timing: a frame is offered from 2 clocks after commit on, a byte a clock.
`default_nettype none

module sl_serial_store #(
  parameter int FRAME = 784  // bytes a frame
) (
  input  wire        clk,
  input  wire        rst,
  input  wire        put,
  input  wire  [7:0] data,
  input  wire        commit,
  input  wire        drop,
  output logic       room,
  output logic       empty,

  output logic [7:0] m_tdata,
  output logic       m_tvalid,
  input  wire        m_tready
);

  localparam int AW = $clog2(2 * FRAME);

  logic          w_slot_q;  // the slot of the frame that comes in
  logic [AW-1:0] w_addr_q, r_addr_q;
  logic [1:0]    held_q;    // frames that are whole, with that being given
  wire           fetch = (held_q != '0) && (!m_tvalid || m_tready);
  wire           ended = (r_addr_q == AW'(FRAME - 1)) || (r_addr_q == AW'(2 * FRAME - 1));
  wire           gone  = fetch && ended;

  assign room  = !held_q[1];
  assign empty = (held_q == '0) && !m_tvalid;

  sl_ram #(
    .WIDTH(8),
    .DEPTH(2 * FRAME)
  ) u_ram (
    .clk   (clk),
    .w_en  (put),
    .w_addr(w_addr_q),
    .w_data(data),
    .r_en  (fetch),
    .r_addr(r_addr_q),
    .r_data(m_tdata)
  );

  always_ff @(posedge clk) begin
    if (put) w_addr_q <= w_addr_q + AW'(1);
    if (drop) w_addr_q <= w_slot_q ? AW'(FRAME) : '0;
    if (commit) begin
      w_addr_q <= w_slot_q ? '0 : AW'(FRAME);
      w_slot_q <= !w_slot_q;
    end
    if (fetch) r_addr_q <= (r_addr_q == AW'(2 * FRAME - 1)) ? '0 : r_addr_q + AW'(1);
    if (commit != gone) held_q <= held_q + (commit ? 2'd1 : 2'b11);
    if (!m_tvalid || m_tready) m_tvalid <= fetch;
    if (rst) begin
      w_slot_q <= 1'b0;
      w_addr_q <= '0;
      r_addr_q <= '0;
      held_q   <= '0;
      m_tvalid <= 1'b0;
    end
  end

endmodule

`default_nettype wire
