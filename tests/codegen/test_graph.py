"""Checks of the float graph and of windows, and values that compare by content."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refuses

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import MAX_ELEMENTS, Graph, GraphInput, Node, check
from shiftloom.codegen.ops import OPS, BatchNorm, Conv2d, Flatten, Linear, Relu
from shiftloom.codegen.values import Array, IntType, nearest
from shiftloom.codegen.windows import Window, im2col

RELU = Node("relu", Relu(), "input")
GRAPH = Graph("net", GraphInput((4, 4, 2)), (RELU, Node("flat", Flatten(), "relu")))


def test_a_chain_passes_unchanged() -> None:
    assert check(GRAPH) is GRAPH
    assert GRAPH.shapes() == {"input": (4, 4, 2), "relu": (4, 4, 2), "flat": (1, 1, 32)}


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((), "net: the network has no layers; give at least one layer"),
        ((RELU, RELU), "relu: two nodes have this name; rename one of them"),
        (
            (replace(RELU, name="input"),),
            "input: two nodes have this name; rename one of them",
        ),
        (
            (replace(RELU, source="later"),),
            "relu: its input 'later' is no earlier node; order the nodes",
        ),
        (
            (RELU, Node("a", Relu(), "relu"), Node("b", Relu(), "relu")),
            "relu: its output is read by 2 nodes, a chain needs exactly 1; "
            "branches are not supported by the streaming dataflow",
        ),
        (
            (RELU, Node("a", Relu(), "input")),
            "relu: its output is read by 0 nodes, a chain needs exactly 1; "
            "branches are not supported by the streaming dataflow",
        ),
    ],
)
def test_ill_formed_graphs_are_refused(nodes: tuple[Node, ...], message: str) -> None:
    with refuses(message):
        check(replace(GRAPH, nodes=nodes))


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
        check(replace(GRAPH, input=source))


@pytest.mark.parametrize("shape", [(1 << 13, 1 << 13, 2), (1 << 40, 1 << 40, 1)])
def test_shape_bombs_are_refused(shape: tuple[int, int, int]) -> None:
    with refuses(
        f"input: shape {shape} has more than {MAX_ELEMENTS} elements; use a smaller input"
    ):
        check(replace(GRAPH, input=GraphInput(shape)))


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
        "kernel and stride must be at least 1, padding at least 0"
    ):
        window.output("conv", (4, 4, 1))


@given(
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_im2col_reads_every_window(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
) -> None:
    window = Window(kernel, stride, padding)
    x = np.arange(size[0] * size[1] * 2).reshape(1, *size, 2)
    try:
        height, width = window.output("node", (*size, 2))
    except ShiftloomError:
        return
    columns = im2col(x, window, -1)
    assert columns.shape == (1, height, width, *kernel, 2)
    for oh, ow, kh, kw, c in np.ndindex(columns.shape[1:]):
        h, w = oh * stride[0] + kh - padding[0], ow * stride[1] + kw - padding[1]
        inside = 0 <= h < size[0] and 0 <= w < size[1]
        assert columns[0, oh, ow, kh, kw, c] == (x[0, h, w, c] if inside else -1)


def test_operators_are_listed_once() -> None:
    assert len(set(OPS)) == len(OPS)
    assert BatchNorm in OPS


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
