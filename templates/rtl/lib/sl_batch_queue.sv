// Queue of two batches of frames in memory: makes the commands that read and write their frames.
//
//   Frame i of a batch is read from in_address + i * IN_BYTES and written to
//   out_address + i * OUT_BYTES, modulo 2^32; `batch` frames.
//
// A start with two batches queued, with a batch of 0 frames, or an address that is not a multiple
// of 8 does nothing but `refused`. A batch stays queued until its last frame is done. Reading and
// writing go from batch to batch on their own: that of the second begins while the first is under
// way. A frame is to be written (write_valid) once begun told that its output has begun.
//
// Timing: the first read is offered 1 clock after the start, a command a clock. done tells that a
// frame is written, in order; refused and batch_done are high for 1 clock, the clock after; batches
// counts batch_done in the same clock, modulo 2^32. queued is high while a batch is.
`default_nettype none

module sl_batch_queue #(
  parameter int IN_BYTES = 784,  // of a frame in memory, a multiple of 8
  parameter int OUT_BYTES = 40   // likewise
) (
  input  wire         clk,
  input  wire         rst,
  input  wire         start,
  input  wire  [31:0] batch,
  input  wire  [31:0] in_address,
  input  wire  [31:0] out_address,
  output logic        refused,
  output logic        read_valid,
  input  wire         read_ready,
  output logic [31:0] read_addr,
  input  wire         begun,
  output logic        write_valid,
  input  wire         write_ready,
  output logic [31:0] write_addr,
  input  wire         done,
  output logic        batch_done,
  output logic [31:0] batches,
  output logic        queued
);

  localparam int BW = 8;  // of the number of frames that have begun and are not to be written yet

  logic [31:0] batch0_q, batch1_q, in0_q, in1_q, out0_q, out1_q;
  logic [1:0]  put_q, read_q, write_q, done_q;  // batches begun at each end, modulo 4
  logic [31:0] reads_q, writes_q, dones_q;      // frames of the batch at each end
  logic [31:0] read_offset_q, write_offset_q;
  logic [BW-1:0] begun_q;

  wire        full = put_q - done_q == 2'd2;
  wire        wrong = full || batch == '0 || in_address[2:0] != '0 || out_address[2:0] != '0;
  wire        put = start && !wrong;
  wire [31:0] read_batch = read_q[0] ? batch1_q : batch0_q;
  wire [31:0] write_batch = write_q[0] ? batch1_q : batch0_q;
  wire [31:0] done_batch = done_q[0] ? batch1_q : batch0_q;
  wire        read_last = reads_q + 32'd1 == read_batch;
  wire        write_last = writes_q + 32'd1 == write_batch;
  wire        done_last = dones_q + 32'd1 == done_batch;
  wire        read = read_valid && read_ready;
  wire        write = write_valid && write_ready;

  assign queued      = put_q != done_q;
  assign read_valid  = read_q != put_q;
  assign write_valid = (write_q != put_q) && (begun_q != '0);
  assign read_addr   = (read_q[0] ? in1_q : in0_q) + read_offset_q;
  assign write_addr  = (write_q[0] ? out1_q : out0_q) + write_offset_q;

  always_ff @(posedge clk) begin
    if (put && !put_q[0]) {batch0_q, in0_q, out0_q} <= {batch, in_address, out_address};
    if (put && put_q[0]) {batch1_q, in1_q, out1_q} <= {batch, in_address, out_address};
    if (put) put_q <= put_q + 2'd1;
    if (read) begin
      reads_q       <= read_last ? '0 : reads_q + 32'd1;
      read_offset_q <= read_last ? '0 : read_offset_q + 32'(IN_BYTES);
      if (read_last) read_q <= read_q + 2'd1;
    end
    if (write) begin
      writes_q       <= write_last ? '0 : writes_q + 32'd1;
      write_offset_q <= write_last ? '0 : write_offset_q + 32'(OUT_BYTES);
      if (write_last) write_q <= write_q + 2'd1;
    end
    if (done) begin
      dones_q <= done_last ? '0 : dones_q + 32'd1;
      if (done_last) begin
        done_q  <= done_q + 2'd1;
        batches <= batches + 32'd1;
      end
    end
    begun_q    <= begun_q + BW'(begun) - BW'(write);
    refused    <= start && wrong;
    batch_done <= done && done_last;
    if (rst) begin
      {put_q, read_q, write_q, done_q}  <= '0;
      {reads_q, writes_q, dones_q}      <= '0;
      {read_offset_q, write_offset_q}   <= '0;
      {begun_q, batches}                <= '0;
      {refused, batch_done}             <= '0;
    end
  end

endmodule

`default_nettype wire
