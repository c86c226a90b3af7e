"""The arrays on which a dadiannao engine can run a part of a network."""

from __future__ import annotations

from collections.abc import Iterator

from shiftloom.codegen import cost
from shiftloom.codegen.dataflows.dadiannao import cycles
from shiftloom.codegen.dataflows.dadiannao.unit import Sizes, measures
from shiftloom.codegen.dataflows.engine import asked as asked_array
from shiftloom.codegen.dataflows.engine.arithmetic import arithmetic
from shiftloom.codegen.dataflows.engine.build import operations_of
from shiftloom.codegen.dataflows.engine.candidate import Candidate, Wanted
from shiftloom.codegen.dataflows.engine.costs import Depths, Plain
from shiftloom.codegen.dataflows.engine.maps import allocate
from shiftloom.codegen.dataflows.engine.operations import Lanes, Operations
from shiftloom.codegen.dataflows.engine.parts import Found
from shiftloom.codegen.dataflows.engine.steps import LOOPS, Steps
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import EnginePlan, OpPlan

SIZES = (4, 8, 16, 32)
"""Rows and columns of the arrays that are compared."""


def candidates(wanted: Wanted) -> Iterator[Candidate]:
    """Square arrays, or the one that is asked for.

    Raises ShiftloomError where that is no array of this engine, or too large for the board.
    """
    asked = wanted.config.target.array
    if asked is not None and (asked[0] != asked[1] or asked[0] < 4 or asked[0] & (asked[0] - 1)):
        raise ShiftloomError(
            "target.array",
            f"{list(asked)} is no array of dadiannao",
            "use as many rows as columns, a power of two from 4 on",
        )
    asked_array.check(wanted, SIZES[0], lambda lanes: _candidate(wanted.part, lanes).resources)
    for size in (asked[0],) if asked else SIZES:
        yield _candidate(wanted.part, Lanes(size, size))


def _candidate(part: Found, lanes: Lanes) -> Candidate:
    operations = operations_of(part.graph, lanes)
    ops = tuple(OpPlan(op.name, *op.output, LOOPS) for op in operations.ops)
    plan = EnginePlan(
        "dadiannao", part.nodes, part.graph.outputs[0], lanes.rows, lanes.columns, ops
    )
    widths = arithmetic(operations)
    measured = measures(lanes, widths, _sizes(operations))
    clocks = cycles.of_frame(operations, widths)
    return Candidate(plan, clocks.total, cost.predict(Plain("dadiannao", measured)))


def _sizes(operations: Operations) -> Sizes:
    """Depths of the memories, without their contents."""
    steps = [Steps(op, operations.lanes) for op in operations.ops]
    convs = [each for each in steps if each.op.kind == "conv"]
    lists = sum(each.counts[0] if each.rewinds else sum(each.counts) for each in steps)
    params = sum(len(each.lists) for each in convs)
    source = operations.map(operations.source.name)
    return Sizes(
        Depths(len(steps), lists, params),
        sum(sum(each.counts) for each in convs),
        allocate(operations, 1, source.words).size,
    )
