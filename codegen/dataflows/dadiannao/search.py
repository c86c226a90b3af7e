"""The arrays on which a dadiannao engine can run a part of a network."""

from __future__ import annotations

from collections.abc import Iterator

from shiftloom.codegen.boards import Board
from shiftloom.codegen.config import Config
from shiftloom.codegen.dataflows.dadiannao import cycles
from shiftloom.codegen.dataflows.engine.arithmetic import arithmetic
from shiftloom.codegen.dataflows.engine.build import operations_of
from shiftloom.codegen.dataflows.engine.candidate import Candidate
from shiftloom.codegen.dataflows.engine.operations import Lanes
from shiftloom.codegen.dataflows.engine.parts import Found
from shiftloom.codegen.dataflows.engine.steps import LOOPS
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import EnginePlan, OpPlan

SIZES = (4, 8, 16, 32)
"""Rows and columns of the arrays that are compared."""


def candidates(part: Found, config: Config, board: Board) -> Iterator[Candidate]:
    """Square arrays, or the one that is asked for.

    Raises ShiftloomError where that is no array of this engine.
    """
    asked = config.target.array
    if asked is not None and (asked[0] != asked[1] or asked[0] < 4 or asked[0] & (asked[0] - 1)):
        raise ShiftloomError(
            "target.array",
            f"{list(asked)} is no array of dadiannao",
            "use as many rows as columns, a power of two from 4 on",
        )
    for size in (asked[0],) if asked else SIZES:
        yield _candidate(part, size)


def _candidate(part: Found, size: int) -> Candidate:
    operations = operations_of(part.graph, Lanes(size, size))
    ops = tuple(OpPlan(op.name, *op.output, LOOPS) for op in operations.ops)
    sums = part.graph.outputs[0]
    plan = EnginePlan("dadiannao", part.nodes, sums, size, size, ops)
    clocks = cycles.of_frame(operations, arithmetic(operations))
    return Candidate(plan, clocks.total)
