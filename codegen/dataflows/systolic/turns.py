"""The instructions of the systolic engine, tile by tile, with all that belongs to each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shiftloom.codegen.dataflows.engine.arithmetic import arithmetic
from shiftloom.codegen.dataflows.engine.compute import Memory, Tile, instruction
from shiftloom.codegen.dataflows.engine.operations import Op, Operations, Region
from shiftloom.codegen.dataflows.engine.program import (
    Compute,
    Load,
    ReadResidual,
    Store,
    Weights,
    flagged,
)
from shiftloom.codegen.dataflows.engine.steps import Step, Steps, StepTable
from shiftloom.codegen.dataflows.systolic.memory import Layout, layout, tile_beats
from shiftloom.codegen.dataflows.systolic.tiling import pitch, read_rows, tiles
from shiftloom.codegen.plan import OpPlan

LANE = 8
"""Bits of a lane in memory."""
_Part = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Turn:
    """One instruction with all that belongs to it; `op` is the index of its operation.

    `lists` are the steps of each of its tiles of outputs.
    """

    op: int
    compute: Compute
    load: Load
    weights: Weights | None
    residual: ReadResidual | None
    store: Store | None
    lists: tuple[tuple[Step, ...], ...]


@dataclass(slots=True)
class _Written:
    """The stores to a map: their number, and the blocks and pixels that each has written."""

    stores: list[tuple[int, range, range]] = field(default_factory=list)

    def wait(self, blocks: range, pixels: range) -> int:
        """Stores that must be complete before a part is read."""
        for number, b, p in reversed(self.stores):
            is_read = b.start < blocks.stop and blocks.start < b.stop
            if is_read and p.start < pixels.stop and pixels.start < p.stop:
                return number + 1
        return 0


class Turns:
    """Makes the instructions of operations in their order, with `ports` memory ports for weights.

    It notes what is stored where, so that what reads it waits.
    """

    def __init__(self, operations: Operations, ports: int) -> None:
        self.operations = operations
        self.ports = ports
        self.lanes = operations.lanes
        self.widths = arithmetic(operations, LANE)
        self.steps = [Steps(op, self.lanes) for op in operations.ops]
        self.beats = tile_beats(self.lanes.rows, self.lanes.columns, self.widths.w_bits, ports)
        self.params, self.offsets, self.port_beats = _starts(self.steps, self.beats)
        self.places: Layout = layout(operations, self.port_beats * ports * 8)
        self.forget()

    def forget(self) -> None:
        """Begin again: no step is kept, and nothing is stored."""
        self.table = StepTable()
        self.written = {each.name: _Written() for each in self.operations.maps}
        self.stores = 0

    def of(self, index: int, plan: OpPlan) -> list[Turn]:
        """The instructions of an operation."""
        if plan.loops != self.steps[index].loops:
            self.steps[index] = Steps(self.operations.ops[index], self.lanes, plan.loops)
        steps = self.steps[index]
        shapes = list(tiles(steps.op, plan.rows, plan.columns))
        count = len(steps.lists)
        parts = [range(co, co + 1) for co in range(count)] if plan.is_split else [range(count)]
        between = pitch(steps.op, plan.rows, plan.columns)
        return [self._turn(index, plan, tile, part, between) for part in parts for tile in shapes]

    def _turn(self, index: int, plan: OpPlan, tile: Tile, outputs: range, between: int) -> Turn:
        steps, op = self.steps[index], self.operations.ops[index]
        store = self._store(op, tile, outputs)
        is_pool = op.kind == "pool"
        load, memory = self._load(index, plan, tile, outputs, between)
        turn = Turn(
            index,
            instruction(op, tile, len(outputs), steps.rewinds and len(outputs) > 1, memory),
            load,
            None if is_pool else self._weights(index, outputs),
            self._residual(op, tile, outputs),
            store,
            steps.lists[outputs.start : outputs.stop],
        )
        if store is not None:
            self._note(op, tile, outputs)
        return turn

    def _load(
        self, index: int, plan: OpPlan, tile: Tile, outputs: range, between: int
    ) -> tuple[Load, Memory]:
        """The rows that a tile reads, and where its instruction finds them in the buffer.

        There are `between` words from a block to the next one.
        """
        steps, op = self.steps[index], self.operations.ops[index]
        source, rows = self.operations.map(op.source.map), read_rows(op, tile)
        alone = op.kind == "pool" and plan.is_split
        lists = steps.lists[outputs.start : outputs.stop]
        blocks = 1 if alone else 1 + max(step[0] for each in lists for step in each)
        block = op.source.block + (outputs.start if alone else 0)
        pixels = range(rows.first * source.width, (rows.first + rows.count) * source.width)
        wait = self.written[source.name].wait(range(block, block + blocks), pixels)
        word, is_input = self.places.word, source.name == self.operations.source.name
        load = Load(
            flagged(Load, input=is_input),
            self.places.start[source.name] + (block * source.plane + pixels.start) * word,
            len(pixels) * word,
            blocks,
            source.plane * word,
            wait,
            between,
        )
        first = 0 if alone else outputs.start
        entries = steps.entries(between, source.width, first, len(outputs))
        memory = Memory(
            first=0,
            row=rows.first,
            step=self.table.add(entries),
            param=self.params[index] + outputs.start if op.kind == "conv" else 0,
            res=steps.counts[0] if op.kind == "pool" else 0,
            res_co=tile.pixels,
        )
        return load, memory

    def _weights(self, index: int, outputs: range) -> Weights:
        """The beats of some tiles of weights out of every port's region."""
        counts = self.steps[index].counts
        before, count = sum(counts[: outputs.start]), sum(counts[outputs.start : outputs.stop])
        first = self.offsets[index] + before * self.beats
        return Weights(0, count * self.beats, first, first + self.port_beats)

    def _residual(self, op: Op, tile: Tile, outputs: range) -> ReadResidual | None:
        if op.residual is None:
            return None
        region = op.residual.region
        place = self._part(region, op, tile, outputs)
        blocks = self._blocks(region, op, outputs)
        wait = self.written[region.map].wait(blocks, _pixels(op, tile))
        return ReadResidual(0, *place, wait)

    def _store(self, op: Op, tile: Tile, outputs: range) -> Store | None:
        return None if op.target is None else Store(0, *self._part(op.target, op, tile, outputs))

    def _part(self, region: Region, op: Op, tile: Tile, outputs: range) -> _Part:
        """Place, beats, segments and stride of the pixels of a tile in a region."""
        plane, word = self.operations.map(region.map).plane, self.places.word
        blocks = self._blocks(region, op, outputs)
        first = blocks.start * plane + _pixels(op, tile).start
        start = self.places.start[region.map] + first * word
        return start, tile.pixels * word, len(blocks), plane * word

    def _blocks(self, region: Region, op: Op, outputs: range) -> range:
        each = self.lanes.words if op.kind == "conv" else 1
        return range(region.block + outputs.start * each, region.block + outputs.stop * each)

    def _note(self, op: Op, tile: Tile, outputs: range) -> None:
        assert op.target is not None
        blocks = self._blocks(op.target, op, outputs)
        self.written[op.target.map].stores.append((self.stores, blocks, _pixels(op, tile)))
        self.stores += 1


def _pixels(op: Op, tile: Tile) -> range:
    """The output pixels of a tile, which lie side by side."""
    first = tile.y * op.output[1] + tile.x
    return range(first, first + tile.pixels)


def _starts(steps: Sequence[Steps], beats: int) -> tuple[list[int], list[int], int]:
    """Of every operation its first row of constants and first beat of weights, and all beats."""
    params, offsets, rows, place = [], [], 0, 0
    for each in steps:
        params.append(rows)
        offsets.append(place)
        if each.op.kind == "conv":
            rows += len(each.lists)
            place += sum(each.counts) * beats
    return params, offsets, place
