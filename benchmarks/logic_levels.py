"""Logic levels of every library module at typical parameters, against their bounds.

Run as `python benchmarks/logic_levels.py`; the runs of Yosys are cached.
"""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from shiftloom.rtl_sim.level_bounds import BOUNDS
from shiftloom.simulation import default_cache

LIBRARY = Path(__file__).parents[1] / "templates" / "rtl" / "lib"


def main() -> None:
    """Measure and print."""
    table = Table(
        title="Logic levels, Yosys for the 7 series", title_justify="left", box=box.SIMPLE
    )
    for name in ("Module", "Levels", "Bound", "Parameters"):
        table.add_column(name, justify="right" if name in ("Levels", "Bound") else "left")
    for bound in BOUNDS:
        levels = bound.measure(LIBRARY, default_cache())
        table.add_row(bound.module, str(levels), str(bound.levels), bound.text())
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
