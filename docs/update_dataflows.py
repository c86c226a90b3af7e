"""Put measured figures into docs/comparing-dataflows.md: python docs/update_dataflows.py.

Its plot and the tables between its markers follow from docs/dataflows.json, made by the benchmark:

    python benchmarks/dataflows.py --json docs/dataflows.json

A test compares the page with the JSON.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from _markdown import markdown, replaced

from shiftloom.codegen.grids import grid
from shiftloom.comparing import table
from shiftloom.comparing.layers import KINDS, Kind

KEPT = Path(__file__).with_name("dataflows.json")
TARGET = Path(__file__).with_name("comparing-dataflows.md")
PLOT = Path(__file__).with_name("utilization.svg")


def page(text: str, found: dict[str, Any]) -> str:
    """The page with the tables of this JSON in place of those in `text`."""
    layers = grid("Layers", "layer|map|channels|kernel|#stride", map(_layer, KINDS))
    measured = "\n\n".join(markdown(each) for each in table.grids(table.rows_of(found["rows"])))
    head = f"The layers above with {found['multipliers']} multipliers.\n\n"
    for name, content in (("layers", markdown(layers)), ("measured", head + measured)):
        text = replaced(text, name, content)
    return text


def plot(found: dict[str, Any]) -> str:
    """The utilization of every layer in every dataflow, as SVG."""
    return table.plots(table.rows_of(found["rows"]))["utilization"]


def _layer(kind: Kind) -> tuple[str, ...]:
    kernel = f"{kind.kernel} × {kind.kernel}" if kind.kernel else "the map"
    channels = f"{kind.inputs} → {kind.outputs}"
    return f"`{kind.name}`", f"{kind.size} × {kind.size}", channels, kernel, str(kind.stride)


def main() -> None:
    """Update the page and its plot."""
    found = json.loads(KEPT.read_text("utf-8"))
    TARGET.write_text(page(TARGET.read_text("utf-8"), found), "utf-8")
    PLOT.write_text(plot(found), "utf-8")


if __name__ == "__main__":
    main()
