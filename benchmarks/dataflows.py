"""The built-in layers through every dataflow: clocks, cells, traffic and toggles, side by side.

    python benchmarks/dataflows.py [--layer KIND] [--dataflow NAME ...] [--multipliers N]
        [--no-synthesize] [--json docs/dataflows.json]

It is `shiftloom compare --layer all` for docs/comparing-dataflows.md. What an earlier run left in
the JSON of other layers and dataflows stays, if it was for as many multipliers. Run
`python docs/update_dataflows.py` behind it, which makes the page.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from shiftloom.codegen import fileset, tables
from shiftloom.codegen.dataflows.registry import DATAFLOWS
from shiftloom.comparing import layers, run, table
from shiftloom.comparing.run import Options, Row
from shiftloom.simulation import default_cache


def kept(path: Path | None, multipliers: int) -> dict[tuple[str, str], Row]:
    """Rows of an earlier run, by network and dataflow."""
    if path is None or not path.exists():
        return {}
    found = json.loads(path.read_text("utf-8"))
    if found["multipliers"] != multipliers:
        return {}
    return {(row.network, row.dataflow): row for row in table.rows_of(found["rows"])}


def in_order(rows: dict[tuple[str, str], Row]) -> list[Row]:
    """The rows by layer, then by dataflow, as they are listed."""
    names = [flow.name for flow in DATAFLOWS]
    keys = [(kind.name, name) for kind in layers.KINDS for name in names]
    return [rows[key] for key in keys if key in rows]


def main() -> None:
    """Measure and print; the JSON is written after every layer and dataflow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layer", default=layers.ALL, help="a kind of layer; default: all")
    parser.add_argument("--dataflow", nargs="*", default=[flow.name for flow in DATAFLOWS])
    parser.add_argument("--multipliers", type=int, default=run.MULTIPLIERS)
    parser.add_argument("--no-synthesize", action="store_true", help="count no cells")
    parser.add_argument("--json", type=Path, help="add the figures to this file")
    arguments = parser.parse_args()
    console, count = Console(width=130), arguments.multipliers
    options = Options(count, not arguments.no_synthesize)
    rows = kept(arguments.json, count)
    for kind in layers.kinds(arguments.layer, layers.Sizes()):
        for name in arguments.dataflow:
            (row,) = run.compare_layer(kind, (name,), options, default_cache(), console.print)
            rows[row.network, row.dataflow] = row
            if arguments.json:
                found = {"multipliers": count, "rows": table.data(in_order(rows))}
                arguments.json.write_bytes(fileset.json_bytes(found))
    for grid in table.grids(in_order(rows)):
        console.print(tables.grid_table(grid))


if __name__ == "__main__":
    main()
