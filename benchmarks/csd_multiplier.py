"""Cells of the signed-digit multiplier and of the decoder, beside those of `*` without DSP blocks.

Run as `python benchmarks/csd_multiplier.py`; the runs of Yosys are cached.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from shiftloom.energy import blocks
from shiftloom.rtl_sim.synth import Resources, synthesize
from shiftloom.simulation import default_cache

LIBRARY = Path(__file__).parents[1] / "templates" / "rtl" / "lib"
GRAINS = ("no gate", "product", "row", "digit")
X_BITS = 8
SIGNED = """\
module signed_multiply (
  input wire clk, input wire signed [7:0] x, input wire signed [7:0] w, output logic signed [16:0] p
);
  logic signed [7:0] x_q;
  logic signed [7:0] w_q;
  always_ff @(posedge clk) begin
    x_q <= x;
    w_q <= w;
    p <= x_q * w_q;
  end
endmodule
"""
SCALED = """\
module scaled #(parameter int GATE = 1, parameter int X_SIGNED = 0, parameter int RECODE = 0) (
  input wire clk, input wire en, input wire [7:0] x, input wire [11:0] rows,
  input wire [7:0] value, input wire [3:0] k, output logic signed [16:0] p);
  wire [11:0] own;
  wire [11:0] kept;
  wire [11:0] given = (RECODE != 0) ? own : rows;
  sl_csd_recode i_recode (.value(value), .rows(own));
  sl_csd_keep i_keep (.rows(given), .k(k), .kept(kept));
  sl_csd_multiply #(.GATE(GATE), .X_SIGNED(X_SIGNED)) i_multiply (
    .clk(clk), .en(en), .x(x), .rows(kept), .p(p));
endmodule
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the table: a title, the module and its parameters."""

    title: str
    top: str
    parameters: Mapping[str, int] = field(default_factory=dict)


def cases() -> Iterator[Case]:
    """What is synthesized."""
    for registered in (0, 1):
        title = f"decoder, α of 8 bits, {'registered' if registered else 'combinational'}"
        yield Case(title, "sl_qsq_decode", {"A_BITS": X_BITS, "REGISTERED": registered})
    yield Case("recoder, signed", "sl_csd_recode", {"W": X_BITS, "IS_SIGNED": 1})
    yield Case("recoder, unsigned", "sl_csd_recode", {"W": X_BITS, "IS_SIGNED": 0})
    yield Case("K", "sl_csd_keep", {"ROWS": blocks.ROWS})
    for signed in (0, 1):
        kind = "signed" if signed else "unsigned"
        yield Case(f"8×8 `*`, {kind} x", "signed_multiply" if signed else blocks.PLAIN.module)
        for gate, grain in enumerate(GRAINS):
            sizes = {"GATE": gate, "X_SIGNED": signed}
            full = {"X_BITS": X_BITS, "ROWS": blocks.ROWS, **sizes}
            yield Case(f"8×8 digits, {kind} x, {grain}", "sl_csd_multiply", full)
            yield Case("… with K", "scaled", sizes)
            yield Case("… with K and recoder", "scaled", {**sizes, "RECODE": 1})


def sources(folder: Path) -> list[Path]:
    """The blocks of the energy benchmark with the library, and the modules above, in `folder`."""
    own = folder / "own.sv"
    own.write_text(SIGNED + SCALED, encoding="utf-8")
    decoders = (LIBRARY / f"{name}.sv" for name in ("sl_csd_recode", "sl_qsq_decode"))
    return [*blocks.sources(folder), *decoders, own]


def measured(case: Case, folder: Path) -> Resources:
    """What Yosys makes of a case for the 7 series."""
    found = sources(folder)
    return synthesize(
        found, case.top, cache=default_cache(), family="xc7_nodsp", parameters=case.parameters
    )


def main() -> None:
    """Synthesize and print."""
    table = Table(title="Yosys for the 7 series", title_justify="left", box=box.SIMPLE)
    for name in ("Module", "LUT", "FF", "DSP"):
        table.add_column(name, justify="left" if name == "Module" else "right")
    with tempfile.TemporaryDirectory() as folder:
        for case in cases():
            cells = measured(case, Path(folder))
            table.add_row(case.title, *map(str, (cells.lut, cells.ff, cells.dsp)))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
