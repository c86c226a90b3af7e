"""The tilings of an operation of a systolic engine: those that fit its memories, each run alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shiftloom.codegen.dataflows.engine import program
from shiftloom.codegen.dataflows.engine.operations import Op
from shiftloom.codegen.dataflows.engine.steps import LOOPS, Loops, Steps
from shiftloom.codegen.dataflows.systolic import cycles
from shiftloom.codegen.dataflows.systolic.bandwidth import Bandwidth
from shiftloom.codegen.dataflows.systolic.tiling import EMITTED_PIXELS, even, pitch, tile_count
from shiftloom.codegen.dataflows.systolic.turns import Turns
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import OpPlan

DEPTHS = (256, 512, 1024)
"""Pixels of the accumulators that are compared."""
BUFFERS = (512, 1024, 2048, 4096)
"""Words of a tile buffer that are compared."""
TRIALS = 6
"""Numbers of tiles beyond the fewest that are tried one by one; then they double."""
INTERCHANGED: Loops = ("ky", "kx", "block")
"""The other order of the loops: all blocks of a tap before the next tap."""


@dataclass(frozen=True, slots=True)
class Size:
    """A plan for one operation with its instructions, and what it needs of the engine."""

    plan: OpPlan
    count: int
    pixels: int
    words: int


@dataclass(frozen=True, slots=True)
class Tiling:
    """A plan with its clocks alone, its bytes, and its clocks out of a memory of some bandwidth."""

    size: Size
    cycles: int
    traffic: int
    bound: int

    @property
    def clocks(self) -> int:
        """Clocks of the slower of both: the array, or the memory."""
        return max(self.cycles, self.bound)


def sizes(steps: Steps, array: cycles.Array) -> list[Size]:
    """The tilings of an operation that a tile buffer and a program can hold.

    Raises ShiftloomError where there is none.
    """
    made = list(_sizes(steps, array))
    buffered = [each for each in made if each.words <= max(BUFFERS)]
    if not buffered:
        words = min(each.words for each in made)
        raise ShiftloomError(
            steps.op.name,
            f"a row of its output reads {words} words of {array.lanes.rows} channels, "
            f"a tile buffer holds at most {max(BUFFERS)}",
            "use an array with more rows, or another dataflow for the layer",
        )
    short = [each for each in buffered if each.count <= program.MAX_PROGRAM]
    if not short:
        count = min(each.count for each in buffered)
        is_wide = any(each.count <= program.MAX_PROGRAM for each in made)
        larger = "an array with more rows, or " if is_wide else ""
        raise ShiftloomError(
            steps.op.name,
            f"needs {count} tiles, a program holds {program.MAX_PROGRAM} instructions",
            f"use {larger}another dataflow for the layer",
        )
    return short


def measured(
    turns: Turns, index: int, fitting: Sequence[Size], array: cycles.Array, memory: Bandwidth
) -> list[Tiling]:
    """The tilings of an operation, each run alone; the fastest one with its loops interchanged."""
    found = [_alone(turns, index, size, array, memory) for size in fitting]
    op = turns.operations.ops[index]
    if op.kind == "conv" and op.source.blocks > 1:
        fastest = min(found, key=lambda each: each.clocks).size
        other = replace(fastest, plan=replace(fastest.plan, loops=INTERCHANGED))
        found.append(_alone(turns, index, other, array, memory))
    return found


def _alone(turns: Turns, index: int, size: Size, array: cycles.Array, memory: Bandwidth) -> Tiling:
    """A tiling whose operands are there from the first."""
    turns.forget()
    alone = turns.of(index, size.plan)
    moved = sum(cycles.traffic(alone, turns.ports))
    return Tiling(size, cycles.frame(alone, array).end, moved, memory.clocks(moved))


def _sizes(steps: Steps, array: cycles.Array) -> Iterator[Size]:
    op, lists = steps.op, len(steps.lists)
    for rows, columns in _shapes(op, array):
        tiles, between = tile_count(op, rows, columns), pitch(op, rows, columns)
        for is_split in (False,) if op.emits or lists == 1 else (False, True):
            is_alone = op.kind == "pool" and is_split
            blocks = 1 if is_alone else 1 + max(step[0] for each in steps.lists for step in each)
            plan = OpPlan(op.name, rows, columns, LOOPS, is_split)
            count = tiles * (lists if is_split else 1)
            yield Size(plan, count, rows * columns, blocks * between)


def _shapes(op: Op, array: cycles.Array) -> list[tuple[int, int]]:
    """Tile heights that split the rows evenly, or parts of a row; for emitted sums equal tiles."""
    height, width = op.output
    most = array.lanes.rows if array.is_output else max(DEPTHS)
    if op.emits:
        return [even(op, min(most, EMITTED_PIXELS))]
    if width > most:
        return [(1, most)]
    tallest = min(height, most // width)
    fewest = -(-height // tallest)
    counts = [*range(fewest, min(height, fewest + TRIALS) + 1), height]
    while counts[-2] * 2 < height:
        counts.insert(-1, counts[-2] * 2)
    return [(rows, width) for rows in sorted({-(-height // count) for count in counts})]
