"""Checks of the float graph and of windows, and values that compare by content."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refuses

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import MAX_ELEMENTS, Graph, GraphInput, Node, check
from shiftloom.codegen.ops import OPS, Add, Affine, Conv2d, Flatten, Linear, Relu
from shiftloom.codegen.values import Array, IntType, nearest
from shiftloom.codegen.windows import Pair, Window, im2col, insert

RELU = Node("relu", Relu(), ("input",))
FLAT = Node("flat", Flatten(), ("relu",))
GRAPH = Graph("net", (GraphInput((4, 4, 2)),), (RELU, FLAT), ("flat",))


def test_a_chain_passes_unchanged() -> None:
    assert check(GRAPH) is GRAPH
    assert GRAPH.shapes() == {"input": (4, 4, 2), "relu": (4, 4, 2), "flat": (1, 1, 32)}


def test_branches_inputs_and_outputs_pass() -> None:
    graph = Graph(
        "net",
        (GraphInput((2, 2, 1), name="a"), GraphInput((2, 2, 1), scale=0.5, zero=3, name="b")),
        (Node("diff", Add((1, -1)), ("a", "b")), Node("relu", Relu(), ("diff",))),
        ("relu", "diff"),
    )
    assert check(graph) is graph
    a = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)
    run = graph.run({"a": a, "b": a})
    assert list(run) == ["output", "relu", "diff"]
    assert np.array_equal(run["diff"], a - (a - 3.0) / 2)
    assert np.array_equal(run["output"], np.maximum(run["diff"], 0))
    assert list(graph.run({"a": a, "b": a}, trace=True)) == ["a", "b", "diff", "relu"]
    with refuses("b: has no frames; give arrays for a, b"):
        graph.run({"a": a})
    with refuses("b: has no frames; give arrays for a, b"):
        graph.run(a)


def test_evaluation_keeps_the_precision() -> None:
    x = np.ones((1, 4, 4, 2))
    assert GRAPH.evaluate({"input": x})["flat"].dtype == np.float64
    assert GRAPH.evaluate({"input": x.astype(np.float32)})["flat"].dtype == np.float32


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes": ()}, "net: the network has no layers; give at least one layer"),
        ({"nodes": (RELU, RELU)}, "relu: two nodes have this name; rename one of them"),
        (
            {"nodes": (replace(RELU, name="input"),)},
            "input: two nodes have this name; rename one of them",
        ),
        (
            {"nodes": (replace(RELU, sources=("flat",)), FLAT)},
            "relu: its input 'flat' is no earlier node; order the nodes",
        ),
        ({"outputs": ("none",)}, "net: its output 'none' is no node; name a node"),
        ({"outputs": ()}, "net: it has no outputs; name at least one node"),
        (
            {"outputs": ("relu",)},
            "flat: its value is never read; remove it, or make it an output",
        ),
        (
            {"inputs": (GraphInput((4, 4, 2)), GraphInput((4, 4, 2), name="other"))},
            "other: its value is never read; remove it, or make it an output",
        ),
    ],
)
def test_ill_formed_graphs_are_refused(changes: dict[str, Any], message: str) -> None:
    with refuses(message):
        check(replace(GRAPH, **changes))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (GraphInput((4, 0, 2)), "shape (4, 0, 2); give (height, width, channels)"),
        (GraphInput((4, 2)), "shape (4, 2); give (height, width, channels)"),  # type: ignore[arg-type]
        (GraphInput((4, 4, 2), bits=0), "0 bits; use 1 to 16"),
        (GraphInput((4, 4, 2), bits=17), "17 bits; use 1 to 16"),
        (GraphInput((4, 4, 2), scale=0.0), "scale 0.0; use a positive number"),
        (GraphInput((4, 4, 2), scale=float("nan")), "scale nan; use a positive number"),
        (GraphInput((4, 4, 2), scale=float("inf")), "scale inf; use a positive number"),
        (GraphInput((4, 4, 2), zero=-1), "zero point -1; use 0 to 255"),
        (GraphInput((4, 4, 2), bits=4, zero=16), "zero point 16; use 0 to 15"),
    ],
)
def test_impossible_inputs_are_refused(source: GraphInput, message: str) -> None:
    with refuses(f"input: {message}"):
        check(replace(GRAPH, inputs=(source,)))


@pytest.mark.parametrize("shape", [(1 << 13, 1 << 13, 2), (1 << 40, 1 << 40, 1)])
def test_shape_bombs_are_refused(shape: tuple[int, int, int]) -> None:
    with refuses(
        f"input: shape {shape} has more than {MAX_ELEMENTS} elements; use a smaller input"
    ):
        check(replace(GRAPH, inputs=(GraphInput(shape),)))


def test_weights_that_do_not_fit_their_window_are_refused() -> None:
    conv = Conv2d(Array(np.zeros((2, 3, 3, 2))), Array(np.zeros(2)), Window((2, 3)))
    with refuses("conv: weights are 3×3, the kernel (2, 3); check the model"):
        conv.shape("conv", (4, 4, 2))
    linear = Linear(Array(np.zeros((2, 4))), Array(np.zeros(2)))
    with refuses(
        "fc: weights take a vector of 4, the input is (2, 1, 2); "
        "put a Flatten before it, or check the input size"
    ):
        linear.shape("fc", (2, 1, 2))


@pytest.mark.parametrize(
    "window", [Window((0, 1)), Window((1, 1), (1, 0)), Window((2, 2), padding=(0, -1))]
)
def test_windows_need_positive_kernels_and_strides(window: Window) -> None:
    with refuses(
        f"conv: kernel {window.kernel}, stride {window.stride}, padding {window.padding}; "
        "kernel, stride and dilation must be at least 1, padding at least 0"
    ):
        window.output("conv", (4, 4, 1))


@given(
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    end=st.none() | st.tuples(st.integers(0, 3), st.integers(0, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
)
def test_im2col_reads_every_window(
    size: Pair, kernel: Pair, stride: Pair, padding: Pair, end: Pair | None, dilation: Pair
) -> None:
    window = Window(kernel, stride, padding, end, dilation)
    x = np.arange(size[0] * size[1] * 2).reshape(1, *size, 2)
    try:
        height, width = window.output("node", (*size, 2))
    except ShiftloomError:
        return
    columns = im2col(x, window, -1)
    assert columns.shape == (1, height, width, *kernel, 2)
    for oh, ow, kh, kw, c in np.ndindex(columns.shape[1:]):
        h = oh * stride[0] + kh * dilation[0] - padding[0]
        w = ow * stride[1] + kw * dilation[1] - padding[1]
        inside = 0 <= h < size[0] and 0 <= w < size[1]
        assert columns[0, oh, ow, kh, kw, c] == (x[0, h, w, c] if inside else -1)


@given(
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    pad=st.tuples(*(st.integers(0, 2) for _ in range(4))),
    gaps=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_insert_puts_every_pixel_in_its_place(
    size: Pair, pad: tuple[int, int, int, int], gaps: Pair
) -> None:
    x = np.arange(size[0] * size[1]).reshape(1, *size, 1)
    got = insert(x, pad, gaps, -1)
    assert (got != -1).sum() == x.size
    for h, w in np.ndindex(size):
        assert got[0, pad[0] + h * (gaps[0] + 1), pad[1] + w * (gaps[1] + 1), 0] == x[0, h, w, 0]
    assert got.shape[1] == pad[0] + (size[0] - 1) * (gaps[0] + 1) + 1 + pad[2]
    assert got.shape[2] == pad[1] + (size[1] - 1) * (gaps[1] + 1) + 1 + pad[3]


def test_operators_are_listed_once() -> None:
    assert len(set(OPS)) == len(OPS)
    assert Affine in OPS


def test_arrays_compare_and_hash_by_content() -> None:
    a, same = Array([[1, 2]]), Array(np.array([[1, 2]]))
    assert a == same
    assert hash(a) == hash(same)
    assert len({a, same, Array([[2, 1]]), Array([1, 2]), Array([[1.0, 2.0]])}) == 4
    assert a != "other"
    assert repr(a) == f"Array(int64[1, 2], {a.digest[:12]})"


def test_arrays_are_read_only_copies() -> None:
    source = np.zeros(3)
    array = Array(source)
    source[0] = 1
    assert array.data[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        array.data[0] = 1


@given(lo=st.integers(-300, 300), span=st.integers(0, 300))
def test_the_covering_type_is_the_narrowest(lo: int, span: int) -> None:
    hi = lo + span
    for signed in (True, False):
        if not signed and lo < 0:
            continue
        kind = IntType.covering(lo, hi, signed=signed)
        assert kind.lo <= lo <= hi <= kind.hi
        smaller = IntType(kind.bits - 1, signed)
        assert kind.bits == 1 or smaller.lo > lo or smaller.hi < hi


def test_types_name_themselves() -> None:
    assert (str(IntType(8, False)), str(IntType(4, True))) == ("uint8", "int4")
    assert (IntType(4, True).lo, IntType(4, True).hi, IntType(4, False).hi) == (-8, 7, 15)


def test_hints_name_the_nearest_word() -> None:
    assert nearest("boad", ("board", "fps")) == "did you mean 'board'? known: board, fps"
    assert nearest("qqq", ("board", "fps")) == "known: board, fps"
