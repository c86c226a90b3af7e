"""Plans of LeNet-5 by target rate: clocks, latency, predicted cells, seconds to schedule.

Run as `python benchmarks/plans.py [--synthesize] [FRAMES_PER_SECOND ...]`. With `--synthesize`
Yosys counts the LUTs of every plan as well, which takes minutes a plan.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from _lenet import lenet
from rich import box
from rich.console import Console
from rich.table import Table

from shiftloom import Config, Quantized, build, open_build, synthesize_units
from shiftloom.codegen import cost
from shiftloom.simulation import default_cache

RATES = (None, 50_000.0, 20_000.0, 5_000.0, 300.0)
COLUMNS = ("Asked/s", "Frames/s", "Clocks", "Latency", "FIFO", "LUT", "FF", "BRAM", "Build s")


def row(quantized: Quantized, fps: float | None, synthesize: bool) -> list[str]:
    """One plan's figures."""
    config = Config()
    config = replace(config, target=replace(config.target, fps=fps))
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        result = build(quantized, config, Path(folder) / "lenet5")
        seconds = time.perf_counter() - start
        used, plan = cost.total(result.units), result.plan
        figures = [
            "fastest" if fps is None else f"{fps:,.0f}",
            f"{plan.clock_mhz * 1e6 / plan.interval:,.0f}",
            f"{plan.interval:,}",
            f"{plan.latency:,}",
            str(max(fifo.depth for fifo in plan.fifos)),
            *(f"{cells:,.0f}" for cells in (used.lut, used.ff, used.bram36)),
            f"{seconds:.1f}",
        ]
        if synthesize:
            cells = synthesize_units(open_build(Path(folder) / "lenet5"), default_cache())
            found = sum(cells[unit.name].lut for unit in result.units)
            figures += [f"{found:,.0f}", f"{used.lut / found - 1:+.1%}"]
    return figures


def main() -> None:
    """Print a table of plans."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--synthesize", action="store_true")
    parser.add_argument("fps", nargs="*", type=float)
    arguments = parser.parse_args()
    table = Table(
        title="Plans of LeNet-5: clocks simulated, cells predicted, FIFO the deepest",
        title_justify="left",
        box=box.SIMPLE,
    )
    more = ("Yosys", "error") if arguments.synthesize else ()
    for name in (*COLUMNS, *more):
        table.add_column(name, justify="right")
    quantized = lenet()
    for fps in arguments.fps or RATES:
        table.add_row(*row(quantized, fps, arguments.synthesize))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
