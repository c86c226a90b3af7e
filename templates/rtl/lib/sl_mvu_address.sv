// Weight address of a matrix-vector unit: counts the beats of a vector, marks the end of a sweep.
//
//   addr = nf * SF + sf, stepping through 0 .. NF*SF - 1 and round again;  last = (sf == SF - 1)
//
// Both are registered and describe the beat that the next `step` takes.
`default_nettype none

module sl_mvu_address #(
  parameter int SF = 4,  // beats a sweep
  parameter int NF = 1,  // sweeps a vector
  localparam int ADDR_BITS = (SF * NF > 1) ? $clog2(SF * NF) : 1
) (
  input  wire                  clk,
  input  wire                  rst,
  input  wire                  step,
  output logic [ADDR_BITS-1:0] addr,
  output logic                 last
);

  sl_wrap_counter #(.COUNT(SF * NF)) i_addr (
    .clk(clk), .rst(rst), .step(step), .count(addr)
  );

  if (SF == 1) begin : gen_always_last
    assign last = 1'b1;
  end else begin : gen_last
    localparam int SF_BITS = $clog2(SF);
    wire [SF_BITS-1:0] sf;

    sl_wrap_counter #(.COUNT(SF)) i_sf (
      .clk(clk), .rst(rst), .step(step), .count(sf)
    );

    always_ff @(posedge clk) begin
      if (rst) last <= 1'b0;
      else if (step) last <= (sf == SF_BITS'(SF - 2));
    end
  end

endmodule

`default_nettype wire
