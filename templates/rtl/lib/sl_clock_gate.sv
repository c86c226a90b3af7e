// Clock gate: the clock of registers that step only where `en` is high.
//
// Registers behind it use `gclk` and step under `ce`:  always_ff @(posedge gclk) if (ce) ...
// STYLE = 0: a plain enable: gclk is clk, and ce is en.
// STYLE = 1: a BUFGCE of the 7 series, at most 32 a device. ce is 1.
// STYLE = 2: a latch and an AND, as the clock-gating cells of an ASIC; of an FPGA it would be
//            gated by a LUT. ce is 1.
//
// In all of them the registers step at the same edges of clk. `en` must be settled before the
// clock rises; the latch is open while the clock is low and keeps glitches of `en` from gclk.
`default_nettype none

module sl_clock_gate #(
  parameter int STYLE = 0
) (
  input  wire  clk,
  input  wire  en,
  output logic gclk,
  output logic ce
);

  if (STYLE == 0) begin : gen_enable
    assign gclk = clk;
    assign ce = en;
`ifdef SYNTHESIS
  end else if (STYLE == 1) begin : gen_buffer
    BUFGCE i_buffer (.I(clk), .CE(en), .O(gclk));
    assign ce = 1'b1;
`endif
  end else begin : gen_cell
    // In a simulation the buffer too.
    logic is_open;
    always_latch begin
      if (!clk) is_open = en;
    end
    assign gclk = clk && is_open;
    assign ce = 1'b1;
  end

endmodule

`default_nettype wire
