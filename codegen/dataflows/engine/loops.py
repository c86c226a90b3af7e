"""The loops of every operation of an engine as text, the outermost first."""

from __future__ import annotations

from collections.abc import Iterator

from shiftloom.codegen.dataflows.engine.build import operations_of
from shiftloom.codegen.dataflows.engine.operations import Lanes, Op
from shiftloom.codegen.dataflows.engine.parts import part_of
from shiftloom.codegen.dataflows.engine.steps import Steps
from shiftloom.codegen.dataflows.systolic.tiling import tiles
from shiftloom.codegen.plan import EnginePlan, OpPlan
from shiftloom.codegen.qgraph import QGraph


def nests(qgraph: QGraph, plan: EnginePlan) -> Iterator[tuple[str, str]]:
    """The name of every operation of an engine, and its loop nest."""
    operations = operations_of(part_of(qgraph, plan.nodes), Lanes(plan.rows, plan.columns))
    for op, each in zip(operations.ops, plan.ops, strict=True):
        steps = Steps(op, operations.lanes, each.loops)
        lines = _tiled(op, each, plan, steps) if plan.kind == "systolic" else _whole(op, steps)
        yield op.name, "\n".join("  " * depth + line for depth, line in enumerate(lines))


def _whole(op: Op, steps: Steps) -> list[str]:
    """Pixels outside, tiles of outputs inside of them."""
    height, width = op.output
    return [
        f"for y in {height}, x in {width}:",
        _outputs(op, steps),
        *_kernel(op, steps),
        _parallel(op, steps),
    ]


def _tiled(op: Op, each: OpPlan, plan: EnginePlan, steps: Steps) -> list[str]:
    """Tiles of pixels and of outputs; what runs through a step one by one is innermost.

    Where weights stay these are the pixels of a tile, where outputs stay the inputs.
    """
    count = len(list(tiles(op, each.rows, each.columns)))
    size = (
        f"{each.rows} rows of {each.columns} pixels" if each.rows > 1 else f"{each.columns} pixels"
    )
    outer = [f"for tile in {count}:  # {size}", _outputs(op, steps)]
    if each.is_split:
        outer.reverse()
    pixels = f"for pixel in {min(each.rows * each.columns, op.pixels)}:"
    if op.kind == "pool":
        return [*outer, pixels, *_kernel(op, steps), _parallel(op, steps)]
    lanes = steps.lanes
    if plan.stationary == "weight":
        return [*outer, *_kernel(op, steps), f"{pixels}  # weights stay", _parallel(op, steps)]
    inputs = f"for input in {lanes.rows}:  # outputs stay"
    parallel = f"[parallel: {lanes.rows} pixels × {lanes.columns} outputs]"
    return [*outer, *_kernel(op, steps), inputs, parallel]


def _outputs(op: Op, steps: Steps) -> str:
    lanes = steps.lanes
    each = f"{lanes.rows} channels" if op.kind == "pool" else f"{lanes.columns} outputs"
    return f"for co in {len(steps.lists)}:  # {each}"


def _kernel(op: Op, steps: Steps) -> list[str]:
    """The loops over a kernel, and how many steps are left out because all weights are zero."""
    (rows, columns), blocks = op.window.kernel, 1 if op.kind == "pool" else op.source.blocks
    counts = {"block": blocks, "ky": rows, "kx": columns}
    loops = ", ".join(f"{loop} in {counts[loop]}" for loop in steps.loops if counts[loop] > 1)
    skipped = len(steps.lists) * blocks * rows * columns - sum(steps.counts)
    note = f"  # {skipped} steps of zeros skipped" if skipped else ""
    return [f"for {loops}:{note}"] if loops else []


def _parallel(op: Op, steps: Steps) -> str:
    lanes = steps.lanes
    if op.kind == "pool":
        return f"[parallel: {lanes.rows} channels]"
    return f"[parallel: {lanes.columns} outputs × {lanes.rows} inputs]"
