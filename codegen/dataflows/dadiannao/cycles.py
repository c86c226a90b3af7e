"""Clocks of the dadiannao engine, as the headers of `sl_dadiannao.sv` say; equal to the RTL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic
from shiftloom.codegen.dataflows.engine.operations import Op, Operations
from shiftloom.codegen.dataflows.engine.steps import Steps

_CONV, _RESIDUAL, _EMIT, _POOL = 21, 20, 6, 6
"""Clocks behind the last step of an instruction, besides the adder tree."""
START = 2
"""Clocks from the last input beat to the first instruction."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Of a frame: all instructions, and those up to the one behind which the input is free."""

    total: int
    free: int


def of_op(op: Op, steps: Steps, widths: Arithmetic) -> int:
    """Clocks of the instruction of an operation."""
    count = sum(steps.counts)
    if op.kind == "pool":
        return op.pixels * count + _POOL
    levels = (op_lanes(steps) - 1).bit_length() + (not widths.shift_w)
    if op.residual is not None:
        return op.pixels * (count + len(steps.lists)) + _RESIDUAL + levels
    return op.pixels * count + (_EMIT if op.emits else _CONV) + levels


def op_lanes(steps: Steps) -> int:
    """Lanes of the adder tree of a neuron."""
    return steps.lanes.rows


def of_ops(operations: Operations, widths: Arithmetic) -> Iterator[tuple[Op, int]]:
    """Every operation with its clocks."""
    for op in operations.ops:
        yield op, of_op(op, Steps(op, operations.lanes), widths)


def of_frame(operations: Operations, widths: Arithmetic) -> Clocks:
    """Clocks of all operations one behind the other."""
    total = free = 0
    for op, clocks in of_ops(operations, widths):
        total += clocks
        if operations.source.name in op.reads:
            free = total
    return Clocks(total, free)
