"""Structured sparsity: clocks of a pruned layer against those of the dense one, in the RTL.

    python benchmarks/sparsity.py [DATAFLOW ...] [--layer conv3x3] [--multipliers 256]
        [--size N] [--inputs N] [--outputs N] [--shares 0 0.5 0.75] [--json FILE]

The dataflows are dadiannao and systolic unless others are named. Blocks of the size of the array
are pruned, so that the engine leaves the steps out that they are. The ratio is clocks between
frames, dense over pruned; a share of 0.75 cannot give more than 4.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from shiftloom.codegen import fileset, tables
from shiftloom.codegen.config import Config, PruningConfig
from shiftloom.codegen.grids import NONE, grid, number
from shiftloom.comparing import layers, run, sizing
from shiftloom.comparing.layers import Kind
from shiftloom.comparing.run import LAYER_CONFIG, Options, Row
from shiftloom.simulation import default_cache

HEADS = "Dataflow|#Share pruned|#Interval|#planned|#Dense over pruned|#Wrong|Refused"


def config_of(share: float, dataflow: str, multipliers: int) -> Config:
    """Blocks of the dataflow's array pruned; 16 × 16 where it has no array."""
    has_array = dataflow in sizing.ENGINES
    block = sizing.array_of(dataflow, multipliers) if has_array else PruningConfig().block
    pruning = PruningConfig("block", share, block=block)
    return replace(LAYER_CONFIG, pruning=pruning) if share else LAYER_CONFIG


def rows_of(kind: Kind, dataflow: str, shares: list[float], multipliers: int) -> list[Row]:
    """A row for each share."""
    options, cache = Options(multipliers, synthesize=False, count_toggles=False), default_cache()
    found: list[Row] = []
    for share in shares:
        config = config_of(share, dataflow, multipliers)
        found += run.compare_layer(kind, (dataflow,), options, cache, print, config)
    return found


def cells(row: Row, share: float, dense: Row) -> tuple[str, ...]:
    """What is shown of a share."""
    if row.found is None or dense.found is None:
        return (row.dataflow, number(share, 2), *[NONE] * 4, row.refusal)
    ratio = dense.found.interval / row.found.interval
    return (
        row.dataflow,
        number(share, 2),
        number(row.found.interval, 1),
        number(row.found.planned_interval),
        number(ratio, 2),
        number(row.found.mismatches),
        "",
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataflows", nargs="*", default=["dadiannao", "systolic"])
    parser.add_argument("--layer", default="conv3x3")
    parser.add_argument("--multipliers", type=int, default=run.MULTIPLIERS)
    for name in ("size", "inputs", "outputs"):
        parser.add_argument(f"--{name}", type=int, help="of the layer")
    parser.add_argument("--shares", type=float, nargs="*", default=[0.0, 0.5, 0.75])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    (kind,) = layers.kinds(
        arguments.layer, layers.Sizes(arguments.size, arguments.inputs, arguments.outputs)
    )
    shown: list[tuple[str, ...]] = []
    plain: list[dict[str, Any]] = []
    for dataflow in arguments.dataflows:
        rows = rows_of(kind, dataflow, arguments.shares, arguments.multipliers)
        for row, share in zip(rows, arguments.shares, strict=True):
            shown.append(cells(row, share, rows[0]))
            interval = row.found.interval if row.found else None
            plain.append({"dataflow": dataflow, "share": share, "interval": interval})
    Console(width=120).print(tables.grid_table(grid("Structured sparsity", HEADS, shown)))
    if arguments.json:
        arguments.json.write_bytes(fileset.json_bytes(plain))


if __name__ == "__main__":
    main()
