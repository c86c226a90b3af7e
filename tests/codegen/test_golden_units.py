"""Every unit of the golden model against loops over Python integers."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refuses
from unit_graphs import mac, naive_mac, naive_reduce, single

from shiftloom.codegen import golden
from shiftloom.codegen.qgraph import (
    ArgMax,
    Concat,
    Crop,
    Gather,
    Insert,
    QGraph,
    ScaledAdd,
    Table,
    Upsample,
    WindowReduce,
)
from shiftloom.codegen.values import Array, IntArray, IntType, Shape
from shiftloom.codegen.windows import Pair, Window

UINT8, INT8 = IntType(8, False), IntType(8, True)
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Any geometry whose span fits 7×7 pixels."""
    kernel, dilation = draw(pairs), draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    span = Window(kernel, dilation=dilation).span
    edges = st.tuples(st.integers(0, span[0] - 1), st.integers(0, span[1] - 1))
    return Window(kernel, draw(pairs), draw(edges), draw(edges), dilation)


@given(
    size=st.tuples(st.integers(5, 7), st.integers(5, 7)),
    groups=st.integers(1, 3),
    per_group=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    window=windows(),
    bits=st.sampled_from([(1, False), (8, False), (8, True), (16, False), (40, True)]),
    pad_value=st.sampled_from([0, 1]),
    seed=st.integers(0, 99),
)
def test_convolutions_equal_loops(
    size: Pair,
    groups: int,
    per_group: Pair,
    window: Window,
    bits: tuple[int, bool],
    pad_value: int,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    kind, source = IntType(*bits), (*size, groups * per_group[0])
    outputs = groups * per_group[1]
    weights = rng.integers(-128, 128, (outputs, *window.kernel, per_group[0]))
    unit = mac(weights, rng.integers(-1000, 1000, outputs), window, pad_value, groups)
    shape = (*window.output("unit", source), outputs)
    x = rng.integers(kind.lo, kind.hi, (2, *source), endpoint=True)
    x[0] = kind.hi
    graph = single(unit, source, kind, shape)
    assert np.array_equal(golden.trace(graph, x)["unit"], naive_mac(x, unit, shape))


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("bits", [8, 16, 20, 21, 40, 48, 49, 56])
def test_sums_are_exact_at_the_edge_of_each_arithmetic(bits: int, groups: int) -> None:
    """2^20 · 16 needs more than float32's 24 bits, 2^49 · 16 more than float64's 53."""
    kind = IntType(bits, False)
    weights = np.full((groups, 2, 2, 4 // groups), 4)
    unit = mac(weights, np.ones(groups, int), Window((2, 2)), 0, groups)
    x = np.full((1, 2, 2, 4), kind.hi) - np.arange(4)
    graph = single(unit, (2, 2, 4), kind, (1, 1, groups))
    expected = x.reshape(4, groups, -1).astype(object).sum(axis=(0, 2)) * 4 + 1
    assert golden.run(graph, x)[0].tolist() == expected.tolist()


@given(
    kind=st.sampled_from(["max", "sum"]),
    size=st.tuples(st.integers(5, 7), st.integers(5, 7), st.integers(1, 3)),
    window=windows(),
    signed=st.booleans(),
    pad_value=st.sampled_from([None, 3]),
)
def test_pools_equal_loops(
    kind: Literal["max", "sum"], size: Shape, window: Window, signed: bool, pad_value: int | None
) -> None:
    number = IntType(8, signed)
    fill = number.lo if kind == "max" else 0
    shape = (*window.output("unit", size), size[2])
    x = np.random.default_rng(0).integers(number.lo, number.hi, (2, *size), endpoint=True)
    x[0] = number.lo
    graph = single(WindowReduce(kind, window, pad_value), size, number, shape)
    filled = WindowReduce(kind, window, fill if pad_value is None else pad_value)
    assert np.array_equal(golden.trace(graph, x)["unit"], naive_reduce(x, filled, shape))


@given(
    factors=st.tuples(st.integers(-300, 300), st.integers(-300, 300), st.integers(-9999, 9999)),
    shift=st.integers(0, 12),
    zero=st.integers(-9, 9),
)
def test_a_scaled_add_rounds_half_to_even(
    factors: tuple[int, int, int], shift: int, zero: int
) -> None:
    m1, m2, c = factors
    unit = ScaledAdd(m1, m2, c, shift, -128, 127, zero)
    a, b = np.random.default_rng(0).integers(-128, 128, (2, 1, 8, 8, 2))
    got = golden.run(single(unit, (8, 8, 2), INT8, (8, 8, 2), 2), {"input": a, "input2": b})
    exact = [
        min(max(round(Fraction(m1 * int(p) + m2 * int(q) + c, 1 << shift)) + zero, -128), 127)
        for p, q in zip(a.ravel(), b.ravel(), strict=True)
    ]
    assert got[0].tolist() == exact


def test_tables_of_a_tensor_and_of_channels() -> None:
    kind = IntType(2, True)
    x = np.array([[[[0, 1], [-2, -1]]]])
    values = np.array([10, 11, 12, 13])  # of 0, 1, −2, −1
    assert run(Table(Array(values)), x, kind, (1, 2, 2)) == [10, 11, 12, 13]
    both = np.stack([values, -values])
    assert run(Table(Array(both)), x, kind, (1, 2, 2)) == [10, -11, 12, -13]


def test_routes_move_elements() -> None:
    x = np.arange(12).reshape(1, 2, 3, 2)
    assert run(Gather((1, 1, 0)), x, UINT8, (2, 3, 3))[:6] == [1, 1, 0, 3, 3, 2]
    assert run(Crop(1, 1), x, UINT8, (1, 2, 2)) == [8, 9, 10, 11]
    upsampled = np.repeat(np.repeat(x, 2, axis=1), 3, axis=2)
    assert run(Upsample((2, 3)), x, UINT8, (4, 9, 2)) == upsampled.ravel().tolist()


def test_insert_spreads_and_pads() -> None:
    x = np.array([1, 2, 3, 4]).reshape(1, 2, 2, 1)
    got = run(Insert((1, 0, 0, 2), (1, 2), 9), x, UINT8, (4, 6, 1))
    assert np.reshape(got, (4, 6)).tolist() == [
        [9, 9, 9, 9, 9, 9],
        [1, 9, 9, 2, 9, 9],
        [9, 9, 9, 9, 9, 9],
        [3, 9, 9, 4, 9, 9],
    ]


def test_argmax_takes_the_first_of_equals() -> None:
    x = np.array([[[[3, 7, 7], [-5, -5, -9]]]])
    assert run(ArgMax(), x, INT8, (1, 2, 1)) == [1, 0]


def test_concat_puts_channels_behind_each_other() -> None:
    graph = single(Concat(), (1, 2, 1), UINT8, (1, 2, 2), 2)
    a, b = np.array([[[[1], [2]]]]), np.array([[[[3], [4]]]])
    assert golden.run(graph, {"input": a, "input2": b}).tolist() == [[1, 3, 2, 4]]


def run(unit: object, x: IntArray, kind: IntType, shape: Shape) -> list[int]:
    graph: QGraph = single(unit, x.shape[1:], kind, shape)  # type: ignore[arg-type]
    result: list[int] = golden.run(graph, x)[0].tolist()
    return result


def test_frames_are_asked_for_by_name() -> None:
    graph = single(Concat(), (1, 2, 1), UINT8, (1, 2, 2), 2)
    x = np.zeros((2, 1, 2, 1), dtype=int)
    with refuses("net: has several inputs; give frames for input, input2"):
        golden.run(graph, x)
    with refuses("input2: has no frames; give [N, (1, 2, 1)] integers"):
        golden.run(graph, {"input": x})
    with refuses("net: inputs of [1, 2] frames; give as many of each"):
        golden.run(graph, {"input": x, "input2": x[:1]})
