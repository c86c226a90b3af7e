// The commands of a serial line from its bytes; docs/serial.md has their bytes.
//
// A command is acted on when its checksum is right: access tells of a register command, commit of
// a frame, whose bytes were given by frame_put before. refuse tells of a command that is not acted
// on, for a reason: CHECKSUM and UNKNOWN, after which all is ignored until the line has been quiet
// for GAP clocks, and FULL: no room for a frame (room low as it begins), or the answer of the last
// register command is not out (ready low). As long a silence in mid-command ends it; drop tells,
// also after a checksum that was wrong.
//
// Timing: access, commit, drop and refuse are high for 1 clock, that after the last byte of the
// command (drop after the silence); is_write, number, address and word hold from access until the
// next command, number and reason with the others.
`default_nettype none

module sl_serial_commands #(
  parameter int FRAME = 784,     // bytes a frame
  parameter int GAP   = 2000000  // clocks
) (
  input  wire         clk,
  input  wire         rst,
  input  wire  [7:0]  data,
  input  wire         valid,

  input  wire         room,
  output logic        frame_put,
  output logic [7:0]  frame_data,
  output logic        commit,
  output logic        drop,

  input  wire         ready,
  output logic        access,
  output logic        is_write,
  output logic [7:0]  number,
  output logic [15:0] address,
  output logic [31:0] word,

  output logic        refuse,
  output logic [7:0]  reason
);

  localparam int GW = $clog2(GAP + 1);
  localparam int LW = (FRAME > 7) ? $clog2(FRAME + 1) : 3;

  localparam logic [7:0] WRITE = 8'h57;  // W
  localparam logic [7:0] READ  = 8'h52;  // R
  localparam logic [7:0] FRAMES = 8'h46;  // F
  localparam logic [7:0] CHECKSUM = 8'd1;
  localparam logic [7:0] UNKNOWN = 8'd2;
  localparam logic [7:0] FULL = 8'd3;

  typedef enum logic [2:0] {KIND, NUMBER, BODY, HIGH, LOW, DEAF} state_e;
  state_e state_q;

  logic [7:0]    kind_q;
  logic [47:0]   body_q;    // the newest byte on top
  logic [LW-1:0] left_q;    // bytes of the body to come after the next one
  logic [15:0]   crc_q;
  wire  [15:0]   crc_next;
  logic [GW-1:0] quiet_q;   // clocks to come until the line counts as quiet
  logic          fits_q;    // the frame had room as it began
  wire           is_frame = kind_q == FRAMES;
  wire           silent   = quiet_q == '0;
  wire           known    = (data == WRITE) || (data == READ) || (data == FRAMES);
  wire           right    = crc_next == '0;
  wire           taken    = is_frame ? fits_q : ready;

  sl_crc16 u_crc (
    .crc   ((state_q == KIND) ? 16'hffff : crc_q),
    .data  (data),
    .next  (crc_next)
  );

  assign address = is_write ? body_q[15:0] : body_q[47:32];
  assign word    = body_q[47:16];

  always_ff @(posedge clk) begin
    quiet_q    <= valid ? GW'(GAP) : silent ? '0 : quiet_q - GW'(1);
    frame_put  <= valid && (state_q == BODY) && is_frame && fits_q;
    frame_data <= data;
    access     <= 1'b0;
    commit     <= 1'b0;
    refuse     <= 1'b0;
    drop       <= silent && (state_q != KIND);
    if (silent) state_q <= KIND;
    if (valid) begin
      crc_q <= crc_next;
      case (state_q)
        KIND: begin
          kind_q  <= data;
          state_q <= known ? NUMBER : DEAF;
          refuse  <= !known;
          reason  <= UNKNOWN;
          fits_q  <= room;
        end
        NUMBER: begin
          number  <= data;
          left_q  <= is_frame ? LW'(FRAME - 1) : (kind_q == WRITE) ? LW'(5) : LW'(1);
          state_q <= BODY;
        end
        BODY: begin
          body_q <= {data, body_q[47:8]};
          left_q <= left_q - LW'(1);
          if (left_q == '0) state_q <= HIGH;
        end
        HIGH: state_q <= LOW;
        LOW: begin
          is_write <= kind_q == WRITE;
          access   <= right && !is_frame && ready;
          commit   <= right && is_frame && fits_q;
          refuse   <= !right || !taken;
          reason   <= right ? FULL : CHECKSUM;
          state_q  <= right ? KIND : DEAF;
        end
        default: state_q <= DEAF;
      endcase
    end
    if (rst) begin
      state_q   <= KIND;
      quiet_q   <= '0;
      frame_put <= 1'b0;
      access    <= 1'b0;
      commit    <= 1'b0;
      refuse    <= 1'b0;
      drop      <= 1'b0;
      is_write  <= 1'b0;
    end
  end

endmodule

`default_nettype wire
