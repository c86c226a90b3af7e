// An offered beat stays as it is until it is taken: every unit, each of its streams.
//
// A proof binds it to the unit, once for each stream. Streams that come in are assumed to keep to it
// as well; memories may answer anything.
`default_nettype none

module stream_stable #(
  parameter int BITS = 8,
  parameter int IS_ASSUMED = 0  // 1: a stream that comes in
) (
  input wire            clk,
  input wire            rst,
  input wire [BITS-1:0] tdata,
  input wire            tvalid,
  input wire            tready
);

  logic            waits_q = 1'b0;  // a beat was offered and not taken
  logic [BITS-1:0] data_q;
  always_ff @(posedge clk) begin
    waits_q <= tvalid && !tready && !rst;
    data_q  <= tdata;
  end

  wire stays = !waits_q || (tvalid && tdata == data_q);
  if (IS_ASSUMED != 0) begin : gen_in
    always_comb assume (stays);
  end else begin : gen_out
    always_comb assert (stays);
  end

endmodule

`default_nettype wire
