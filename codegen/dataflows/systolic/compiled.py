"""The programs of the systolic engine for a part of a network, its memories and its workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.dataflows.engine import arithmetic as numbers
from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic
from shiftloom.codegen.dataflows.engine.operations import Operations
from shiftloom.codegen.dataflows.engine.program import Instruction, with_flag, words
from shiftloom.codegen.dataflows.engine.steps import Steps
from shiftloom.codegen.dataflows.systolic import cycles
from shiftloom.codegen.dataflows.systolic.memory import Layout, image, packed
from shiftloom.codegen.dataflows.systolic.turns import Turn, Turns
from shiftloom.codegen.plan import EnginePlan
from shiftloom.codegen.values import Array

_Any = TypeVar("_Any", bound=Instruction | None)


@dataclass(frozen=True, slots=True)
class Program:
    """Memories of 32-bit fields without sign, constants, and the workspace.

    `turns` are the same instructions as values. `image` holds the bytes at the start of the
    workspace of `layout.size` beats. A frame takes `clocks`, its input is free after `free`.
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
    clocks: int
    free: int


def compile_program(operations: Operations, plan: EnginePlan) -> Program:
    """The programs of operations, tiled as planned.

    Raises ShiftloomError where something does not fit the engine.
    """
    made = Turns(operations, plan.weight_ports)
    turns = ended([turn for index, op in enumerate(plan.ops) for turn in made.of(index, op)])
    clock = cycles.frame(turns, cycles.Array.of(plan, made.beats))
    name, ports = operations.source.name, plan.weight_ports
    convs = [steps for steps in made.steps if steps.op.kind == "conv"]
    scales = [numbers.scale_rows(steps.op, operations.lanes) for steps in convs]
    return Program(
        operations,
        made.widths,
        turns,
        words(name, [turn.compute for turn in turns]),
        words(name, [turn.load for turn in turns]),
        words(name, [turn.weights for turn in turns if turn.weights], 2 + ports),
        _optional(name, [turn.residual for turn in turns if turn.residual], 6),
        _optional(name, [turn.store for turn in turns if turn.store], 5),
        made.table.rows(name),
        Array(numbers.stacked([numbers.bias_rows(steps, made.widths) for steps in convs])),
        Array(numbers.stacked([m for m, _ in scales])),
        Array(numbers.stacked([c for _, c in scales])),
        Array(_image(convs, made.widths, ports)),
        made.places,
        plan,
        max(clock.end, plan.memory_clocks),
        clock.input_free,
    )


def _image(convs: Sequence[Steps], widths: Arithmetic, ports: int) -> npt.NDArray[np.uint8]:
    fields = (numbers.weight_fields(steps, widths) for steps in convs)
    return image([packed(each, widths.w_bits, ports) for each in fields], ports)


def ended(turns: Sequence[Turn]) -> tuple[Turn, ...]:
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
        Turn(turn.op, *made, turn.lists)
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
