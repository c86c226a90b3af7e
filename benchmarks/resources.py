"""Cells of LeNet-5's units, predicted against synthesized by Yosys; goals: 10 % a unit, 5 % in all.

Run as `python benchmarks/resources.py [FRAMES_PER_SECOND]`; the runs of Yosys are cached.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from _lenet import lenet
from rich import box
from rich.console import Console
from rich.table import Table

from shiftloom import Config, build, open_build, synthesize_units
from shiftloom.codegen import cost
from shiftloom.codegen.cost import Resources
from shiftloom.simulation import default_cache


def cells(name: str, predicted: Resources, found: Resources) -> tuple[str, ...]:
    """A row of the table."""
    return (
        name,
        f"{predicted.lut:,.0f}",
        f"{found.lut:,}",
        f"{predicted.lut / max(found.lut, 1) - 1:+.1%}",
        f"{predicted.ff:,.0f}",
        f"{found.ff:,}",
        f"{predicted.ff / max(found.ff, 1) - 1:+.1%}",
        f"{predicted.dsp:g} / {found.dsp:g}",
        f"{predicted.bram36:g} / {found.bram36:g}",
    )


def main() -> None:
    """Build, synthesize and print."""
    config = Config()
    if len(sys.argv) > 1:
        config = replace(config, target=replace(config.target, fps=float(sys.argv[1])))
    with tempfile.TemporaryDirectory() as folder:
        units = build(lenet(), config, Path(folder) / "lenet5").units
        found = synthesize_units(open_build(Path(folder) / "lenet5"), default_cache())
    table = Table(
        title="LeNet-5: predicted, synthesized by Yosys", title_justify="left", box=box.SIMPLE
    )
    for name in ("Unit", "LUT", "Yosys", "error", "FF", "Yosys", "error", "DSP", "BRAM"):
        table.add_column(name, justify="left" if name == "Unit" else "right")
    for unit in units:
        table.add_row(*cells(unit.name, cost.predict(unit), found[unit.name]))
    total = sum((found[unit.name] for unit in units), Resources())
    table.add_section()
    table.add_row(*cells("all units", cost.total(units), total))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
