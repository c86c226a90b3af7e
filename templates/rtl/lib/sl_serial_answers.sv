// The answers on a serial line as bytes, each whole before the next; docs/serial.md has them.
//
// First what was refused, then the answer to a register command, then the oldest frame; of two
// refusals that wait the later is told. While flush is high beats of frames are dropped, and a
// frame in the middle of its answer is filled up with zeros and gets a wrong checksum.
//
// Timing: m_tvalid 1 clock after what asks for an answer, where none is under way. waiting: a
// register answer has not begun; frame_done is high for 1 clock, that in which the last byte of a
// frame is taken. s_tready depends on m_tready combinationally.
`default_nettype none

module sl_serial_answers #(
  parameter int FRAME = 40  // bytes a frame
) (
  input  wire         clk,
  input  wire         rst,
  input  wire         flush,

  input  wire         refuse,
  input  wire  [7:0]  refused_number,
  input  wire  [7:0]  reason,

  input  wire         done,
  input  wire         done_write,
  input  wire  [7:0]  done_number,
  input  wire  [1:0]  resp,
  input  wire  [31:0] read_word,
  output logic        waiting,

  input  wire         frame_under_way,
  input  wire  [7:0]  frame_number,
  input  wire  [7:0]  s_tdata,
  input  wire         s_tvalid,
  output logic        s_tready,
  output logic        answering,
  output logic        frame_done,

  output logic [7:0]  m_tdata,
  output logic        m_tvalid,
  input  wire         m_tready
);

  localparam int LW = (FRAME > 1) ? $clog2(FRAME) : 1;

  typedef enum logic [2:0] {IDLE, HEAD, BODY, HIGH, LOW} state_e;
  state_e state_q;

  logic          refused_q;   // a refusal waits, with its number and reason
  logic [15:0]   refusal_q;
  logic [55:0]   head_q;      // bytes to come, the next one lowest
  logic [2:0]    head_left_q; // of them, after the next one
  logic          wrong_q;     // the frame was filled up
  logic [LW-1:0] left_q;      // bytes of the frame to come after the next one
  logic [15:0]   crc_q;
  wire  [15:0]   crc_next;
  wire           begins = frame_under_way && s_tvalid && !flush;
  wire           in_body = state_q == BODY;
  wire           give    = m_tvalid && m_tready;
  wire           filling = flush || wrong_q;

  sl_crc16 u_crc (
    .crc   (crc_q),
    .data  (m_tdata),
    .next  (crc_next)
  );

  assign s_tready   = flush || (in_body && m_tready && !wrong_q);
  assign m_tvalid   = in_body ? (s_tvalid || filling) : (state_q != IDLE);
  assign frame_done = give && answering && (state_q == LOW);

  always_comb begin
    case (state_q)
      BODY:    m_tdata = filling ? 8'd0 : s_tdata;
      HIGH:    m_tdata = crc_q[15:8];
      LOW:     m_tdata = crc_q[7:0] ^ {8{wrong_q}};
      default: m_tdata = head_q[7:0];
    endcase
  end

  always_ff @(posedge clk) begin
    if (answering && flush) wrong_q <= 1'b1;
    case (state_q)
      IDLE: begin
        crc_q     <= '1;
        wrong_q   <= 1'b0;
        answering <= 1'b0;
        left_q    <= LW'(FRAME - 1);
        if (refused_q) begin
          head_q      <= 56'({refusal_q, 8'h3f});
          head_left_q <= 3'd2;
          refused_q   <= 1'b0;
          state_q     <= HEAD;
        end else if (waiting) begin
          head_q      <= {read_word, 6'd0, resp, done_number, done_write ? 8'h77 : 8'h72};
          head_left_q <= done_write ? 3'd2 : 3'd6;
          waiting     <= 1'b0;
          state_q     <= HEAD;
        end else if (begins) begin
          head_q      <= 56'({frame_number, 8'h66});
          head_left_q <= 3'd1;
          answering   <= 1'b1;
          state_q     <= HEAD;
        end
      end
      HEAD: if (give) begin
        head_q      <= head_q >> 8;
        head_left_q <= head_left_q - 3'd1;
        crc_q       <= crc_next;
        if (head_left_q == '0) state_q <= answering ? BODY : HIGH;
      end
      BODY: if (give) begin
        left_q <= left_q - LW'(1);
        crc_q  <= crc_next;
        if (left_q == '0) state_q <= HIGH;
      end
      HIGH: if (give) state_q <= LOW;
      default: if (give) state_q <= IDLE;
    endcase
    if (refuse) begin
      refused_q <= 1'b1;
      refusal_q <= {reason, refused_number};
    end
    if (done) waiting <= 1'b1;
    if (rst) begin
      state_q   <= IDLE;
      refused_q <= 1'b0;
      waiting   <= 1'b0;
      answering <= 1'b0;
    end
  end

endmodule

`default_nettype wire
