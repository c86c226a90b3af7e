"""The programs of the systolic engine for a part of a network, its memories and its workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.dataflows.engine import arithmetic as numbers
from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic, arithmetic
from shiftloom.codegen.dataflows.engine.compute import Memory, Tile, instruction
from shiftloom.codegen.dataflows.engine.operations import Op, Operations, Region
from shiftloom.codegen.dataflows.engine.program import (
    Compute,
    Instruction,
    Load,
    ReadResidual,
    Store,
    Weights,
    flagged,
    with_flag,
    words,
)
from shiftloom.codegen.dataflows.engine.steps import Steps, StepTable
from shiftloom.codegen.dataflows.systolic.memory import Layout, image, layout, packed, tile_beats
from shiftloom.codegen.dataflows.systolic.tiling import pitch, read_rows, tiles
from shiftloom.codegen.plan import EnginePlan
from shiftloom.codegen.values import Array

LANE = 8
"""Bits of a lane in memory."""
_Part = tuple[int, int, int, int]
_Any = TypeVar("_Any", bound=Instruction | None)


@dataclass(frozen=True, slots=True)
class Turn:
    """One instruction with all that belongs to it; `op` is the index of its operation.

    `counts` are the steps of each of its tiles of outputs.
    """

    op: int
    compute: Compute
    load: Load
    weights: Weights | None
    residual: ReadResidual | None
    store: Store | None
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """Memories of 32-bit fields without sign, constants, and the workspace.

    `turns` are the same instructions as values. `image` holds the bytes at the start of the
    workspace of `layout.size` beats.
    """

    operations: Operations
    widths: Arithmetic
    turns: tuple[Turn, ...]
    prog: Array
    load: Array
    weight: Array
    res: Array
    store: Array
    step: Array
    bias: Array
    m: Array
    c: Array
    image: Array
    layout: Layout
    plan: EnginePlan


def compile_program(operations: Operations, plan: EnginePlan) -> Program:
    """The programs of operations, tiled as planned.

    Raises ShiftloomError where something does not fit the engine.
    """
    return _Compiler(operations, plan).program()


@dataclass(slots=True)
class _Written:
    """The stores to a map: their number, and the blocks and pixels that each has written."""

    stores: list[tuple[int, range, range]] = field(default_factory=list)

    def wait(self, blocks: range, pixels: range) -> int:
        """Stores that must be complete before a part is read."""
        found = [
            number
            for number, b, p in self.stores
            if b.start < blocks.stop and blocks.start < b.stop
            if p.start < pixels.stop and pixels.start < p.stop
        ]
        return max(found, default=-1) + 1


class _Compiler:
    def __init__(self, operations: Operations, plan: EnginePlan) -> None:
        self.operations = operations
        self.plan = plan
        self.lanes = operations.lanes
        self.widths = arithmetic(operations, LANE)
        self.steps = [
            Steps(op, self.lanes, each.loops)
            for op, each in zip(operations.ops, plan.ops, strict=True)
        ]
        self.beats = tile_beats(
            self.lanes.rows, self.lanes.columns, self.widths.w_bits, plan.weight_ports
        )
        self.params, self.offsets, counted = _starts(self.steps, self.beats)
        self.port_beats = counted
        self.places: Layout = layout(operations, counted * plan.weight_ports * 8)
        self.table = StepTable()
        self.written: dict[str, _Written] = {each.name: _Written() for each in operations.maps}
        self.stores = 0

    def program(self) -> Program:
        """All instructions, and the memories that they filled."""
        turns = _flagged([turn for index in range(len(self.steps)) for turn in self._op(index)])
        name, ports = self.operations.source.name, self.plan.weight_ports
        convs = [steps for steps in self.steps if steps.op.kind == "conv"]
        scales = [numbers.scale_rows(steps.op, self.lanes) for steps in convs]
        return Program(
            self.operations,
            self.widths,
            turns,
            words(name, [turn.compute for turn in turns]),
            words(name, [turn.load for turn in turns]),
            words(name, [turn.weights for turn in turns if turn.weights], 2 + ports),
            _optional(name, [turn.residual for turn in turns if turn.residual], 6),
            _optional(name, [turn.store for turn in turns if turn.store], 5),
            self.table.rows(name),
            Array(numbers.stacked([numbers.bias_rows(steps, self.widths) for steps in convs])),
            Array(numbers.stacked([m for m, _ in scales])),
            Array(numbers.stacked([c for _, c in scales])),
            Array(self._image(convs)),
            self.places,
            self.plan,
        )

    def _image(self, convs: Sequence[Steps]) -> npt.NDArray[np.uint8]:
        w_bits, ports = self.widths.w_bits, self.plan.weight_ports
        fields = (numbers.weight_fields(steps, self.widths) for steps in convs)
        return image([packed(each, w_bits, ports) for each in fields], ports)

    def _op(self, index: int) -> list[Turn]:
        """The instructions of an operation."""
        steps, plan = self.steps[index], self.plan.ops[index]
        shapes = list(tiles(steps.op, plan.rows, plan.columns))
        if not plan.is_split:
            count = len(steps.lists)
            return [self._turn(index, tile, range(count)) for tile in shapes]
        each = range(len(steps.lists))
        return [self._turn(index, tile, range(co, co + 1)) for co in each for tile in shapes]

    def _turn(self, index: int, tile: Tile, outputs: range) -> Turn:
        steps, op = self.steps[index], self.operations.ops[index]
        store = self._store(op, tile, outputs)
        is_pool = op.kind == "pool"
        counts = steps.counts[outputs.start : outputs.stop]
        load, memory = self._load(index, tile, outputs)
        turn = Turn(
            index,
            instruction(op, tile, len(outputs), steps.rewinds and len(outputs) > 1, memory),
            load,
            None if is_pool else self._weights(index, outputs),
            self._residual(op, tile, outputs),
            store,
            counts,
        )
        if store is not None:
            self._note(op, tile, outputs)
        return turn

    def _load(self, index: int, tile: Tile, outputs: range) -> tuple[Load, Memory]:
        """The rows that a tile reads, and where its instruction finds them in the buffer."""
        steps, op, plan = self.steps[index], self.operations.ops[index], self.plan.ops[index]
        source, rows = self.operations.map(op.source.map), read_rows(op, tile)
        between, alone = pitch(op, plan.rows, plan.columns), op.kind == "pool" and plan.is_split
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


def _flagged(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The instructions with the flags of the last ones of their programs."""
    loads = [turn.load for turn in turns]
    last_input = max(i for i, load in enumerate(loads) if load.has("input"))
    loads[last_input] = with_flag(loads[last_input], "input_free")
    parts = (
        _ended([turn.compute for turn in turns]),
        _ended(loads),
        _ended([turn.weights for turn in turns]),
        _ended([turn.residual for turn in turns]),
        _ended([turn.store for turn in turns]),
    )
    return tuple(
        Turn(turn.op, *made, turn.counts)
        for turn, made in zip(turns, zip(*parts, strict=True), strict=True)
    )


def _ended(program: Sequence[_Any]) -> list[_Any]:
    """A program with the flag of its last instruction; turns without one hold None."""
    made = list(program)
    for index in range(len(made) - 1, -1, -1):
        instruction = made[index]
        if instruction is not None:
            made[index] = with_flag(instruction, "last")
            break
    return made


def _optional(name: str, program: Sequence[Instruction], count: int) -> Array:
    """Words of a program; one word of zeros where it is empty."""
    return words(name, program) if program else Array(np.zeros((1, count), np.int64))
