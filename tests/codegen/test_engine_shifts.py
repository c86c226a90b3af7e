"""One shift for all layers of an engine: the same functions, and what becomes too wide."""

from __future__ import annotations

from dataclasses import replace

import graph_nets
import numpy as np
import pytest
from engine_parts import part_to
from refusals import refuses

from shiftloom.codegen.dataflows.engine.lowering import lower
from shiftloom.codegen.dataflows.engine.operations import Lanes, Op
from shiftloom.codegen.dataflows.engine.shifts import with_equal_shifts


@pytest.fixture(scope="module")
def ops() -> tuple[Op, ...]:
    part = part_to(graph_nets.quantized("residual").qgraph, "linear15")
    return lower(part, Lanes(4, 4)).ops


def test_shifts_are_equal(ops: tuple[Op, ...]) -> None:
    assert len({op.requant.shift for op in ops if op.requant}) == 1
    assert len({op.residual.add.shift for op in ops if op.residual}) == 1


def test_functions_stay(ops: tuple[Op, ...]) -> None:
    op = next(op for op in ops if op.requant)
    assert op.requant is not None
    wider = replace(op, requant=replace(op.requant, shift=op.requant.shift + 5))
    scaled = with_equal_shifts((op, wider))[0].requant
    assert scaled is not None
    assert scaled.shift == op.requant.shift + 5
    sums = np.arange(-40_000, 40_000, 7)[:, None] * np.ones(op.requant.channels, np.int64)
    assert (scaled.apply(sums) == op.requant.apply(sums)).all()


def test_a_sum_stays(ops: tuple[Op, ...]) -> None:
    op = next(op for op in ops if op.residual)
    assert op.residual is not None
    add = op.residual.add
    other = replace(op, residual=replace(op.residual, add=replace(add, shift=add.shift + 2)))
    scaled = with_equal_shifts((op, other))[0].residual
    assert scaled is not None
    a, b = np.arange(256)[:, None], np.arange(256)[None, :]
    assert scaled.add.shift == add.shift + 2
    assert (scaled.add.apply(a, b) == add.apply(a, b)).all()


def test_multipliers_that_become_too_wide(ops: tuple[Op, ...]) -> None:
    op = next(op for op in ops if op.requant)
    assert op.requant is not None
    far = replace(op, requant=replace(op.requant, shift=61))
    bits = int(op.requant.m.data.max()).bit_length() + op.acc_bits
    more = 61 - op.requant.shift
    with refuses(
        f"{op.name}: has sums times M of {bits + more} bits, {more} of them for the shift of all "
        "layers of the engine; the limit is 62; "
        "give the layer another dataflow, as layers.<node>.dataflow: streaming"
    ):
        with_equal_shifts((op, far))


def test_factors_that_become_too_wide(ops: tuple[Op, ...]) -> None:
    op = next(op for op in ops if op.residual)
    assert op.residual is not None
    add = op.residual.add
    far = replace(op, residual=replace(op.residual, add=replace(add, shift=add.shift + 20)))
    bits = max(abs(add.m1), abs(add.m2)).bit_length() + 21
    with refuses(
        f"{op.name}: has factors of a sum of {bits} bits, 20 of them for the shift of all "
        "layers of the engine; the limit is 26; "
        "give the layer another dataflow, as layers.<node>.dataflow: streaming"
    ):
        with_equal_shifts((op, far))
