"""Put measured figures into docs/energy.md: python docs/update_energy.py.

Its plot and the tables between its markers follow from docs/energy.json, docs/quality.json and
docs/quality_levels.json, made by the benchmark and by the command:

    python benchmarks/energy.py --json docs/energy.json
    shiftloom quality lenet5 --config folded.yaml --simulated 20 --json docs/quality.json
    shiftloom quality out/lenet5 --json docs/quality_levels.json

The page has folded.yaml, and how to build out/lenet5. A test compares the page with the JSON.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from _markdown import markdown, replaced

from shiftloom.codegen.grids import Grid
from shiftloom.energy import sweep_table, table
from shiftloom.energy.blocks import SHIFT
from shiftloom.energy.designs import DesignRow
from shiftloom.energy.dram import Dram
from shiftloom.energy.multipliers import Row

KEPT = Path(__file__).with_name("energy.json")
SWEPT = Path(__file__).with_name("quality.json")
LEVELS = Path(__file__).with_name("quality_levels.json")
PLOT = Path(__file__).with_name("quality.svg")
TARGET = Path(__file__).with_name("energy.md")
Swept = list[dict[str, Any]]
"""What the command writes: a point for each quality."""


def grids(found: dict[str, Any], swept: Swept, levels: Swept) -> dict[str, Grid]:
    """The tables of the page, by the names of their markers."""
    points = sweep_table.points_of(swept)
    rows = [Row(**row) for row in found["multipliers"]["rows"]]
    whole = table.whole(rows, found["multipliers"]["products"])
    accuracy = {SHIFT.name if name == "qsq" else name: x for name, x in found["accuracy"].items()}
    return {
        "designs": table.designs_grid(
            (DesignRow(**each) for each in found["designs"]), found["multipliers"]["products"]
        ),
        "constants": table.constants_grid(),
        "dram": table.dram_grid(Dram(**each) for each in found["dram"]),
        "whole": table.whole_grid(whole),
        "chosen": table.chosen_grid(whole, accuracy),
        "layers": table.layers_grid(rows),
        "quality": sweep_table.sweep_grid(points),
        "digits": sweep_table.layer_grid(points),
        "phi": sweep_table.sweep_grid(sweep_table.points_of(levels)),
    }


def plot(swept: Swept) -> str:
    """Accuracy against toggles, as SVG."""
    return sweep_table.plots(sweep_table.points_of(swept))["toggles"]


def page(text: str, found: dict[str, Any], swept: Swept, levels: Swept) -> str:
    """The page with the tables of this JSON in place of those in `text`."""
    for name, shown in grids(found, swept, levels).items():
        text = replaced(text, name, markdown(shown))
    return text


def main() -> None:
    """Update the page and its plot."""
    found, swept, levels = (json.loads(path.read_text("utf-8")) for path in (KEPT, SWEPT, LEVELS))
    TARGET.write_text(page(TARGET.read_text("utf-8"), found, swept, levels), "utf-8")
    PLOT.write_text(plot(swept), "utf-8")


if __name__ == "__main__":
    main()
