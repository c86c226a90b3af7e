"""The program of the dadiannao engine for a part of a network, and its memories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.dataflows.engine import arithmetic as numbers
from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic, arithmetic
from shiftloom.codegen.dataflows.engine.compute import Memory, Tile, instruction
from shiftloom.codegen.dataflows.engine.maps import Places, allocate
from shiftloom.codegen.dataflows.engine.operations import Op, Operations, Region
from shiftloom.codegen.dataflows.engine.program import Compute, with_flag, words
from shiftloom.codegen.dataflows.engine.steps import Loops, Steps, StepTable
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import Array, IntArray

MAX_DEPTH = 1 << 16
"""Most words of the neuron buffer."""


@dataclass(frozen=True, slots=True)
class Program:
    """What the engine is made of: its memories and the sizes that its parameters say.

    `prog` [instructions, 32] and `step` [entries, 4] are without sign; `weights` [words, C, R] are
    codes or weights, `bias`, `m` and `c` [rows, C]. `depth` counts the words of the neuron buffer,
    of which the input has the first ones.
    """

    operations: Operations
    widths: Arithmetic
    prog: Array
    step: Array
    weights: Array
    bias: Array
    m: Array
    c: Array
    depth: int


def compile_program(operations: Operations, loops: tuple[Loops, ...]) -> Program:
    """The program of operations, with an order of the loops over the kernel for each.

    Raises ShiftloomError where something does not fit the engine.
    """
    return _Compiler(operations, loops).program()


class _Compiler:
    def __init__(self, operations: Operations, loops: tuple[Loops, ...]) -> None:
        self.operations = operations
        self.widths = arithmetic(operations)
        source = operations.map(operations.source.name)
        self.places: Places = allocate(operations, 1, source.words)
        self.start = {source.name: 0, **self.places.start}
        self.steps = [
            Steps(op, operations.lanes, order)
            for op, order in zip(operations.ops, loops, strict=True)
        ]
        self.table = StepTable()
        self.rows: list[tuple[IntArray, IntArray, IntArray]] = []
        self.weights: list[IntArray] = []

    def program(self) -> Program:
        """All instructions, flagged, and the memories that they filled."""
        name = self.operations.source.name
        if self.places.size > MAX_DEPTH:
            raise ShiftloomError(
                self.operations.ops[-1].name,
                f"its engine needs a neuron buffer of {self.places.size} words, "
                f"the limit is {MAX_DEPTH}",
                "use an array with more rows, or the dataflow systolic",
            )
        program = [
            self._instruction(op, s) for op, s in zip(self.operations.ops, self.steps, strict=True)
        ]
        program[-1] = with_flag(program[-1], "last")
        reads = [index for index, op in enumerate(self.operations.ops) if name in op.reads]
        program[reads[-1]] = with_flag(program[reads[-1]], "input_free")
        bias, m, c = (numbers.stacked(rows) for rows in zip(*self.rows, strict=True))
        return Program(
            self.operations,
            self.widths,
            words(name, program),
            self.table.rows(name),
            Array(np.concatenate(self.weights)),
            Array(bias),
            Array(m),
            Array(c),
            self.places.size,
        )

    def _instruction(self, op: Op, steps: Steps) -> Compute:
        source = self.operations.map(op.source.map)
        memory = Memory(
            first=self._word(op.source),
            row=0,
            step=self.table.add(steps.entries(source.plane, source.width)),
            param=sum(len(rows[0]) for rows in self.rows),
            weight=sum(len(each) for each in self.weights),
            dst=self._word(op.target) if op.target else 0,
            dst_co=op.pixels,
            res=self._word(op.residual.region) if op.residual else 0,
            res_co=op.pixels if op.residual else 0,
        )
        if op.kind == "conv":
            scale = numbers.scale_rows(op, self.operations.lanes)
            self.rows.append((numbers.bias_rows(steps, self.widths), *scale))
            self.weights.append(numbers.weight_fields(steps, self.widths))
        tile = Tile(0, 0, *op.output)
        return instruction(op, tile, len(steps.lists), steps.rewinds, memory)

    def _word(self, region: Region) -> int:
        """The first word of a region."""
        return self.start[region.map] + region.block * self.operations.map(region.map).plane
