"""How a network is cut into stages, and what follows a head keeps up with it."""

from __future__ import annotations

import numpy as np
import pytest

from shiftloom.codegen.config import parse
from shiftloom.codegen.dataflows.streaming import tails
from shiftloom.codegen.dataflows.streaming.arrivals import REGISTERS, Arrivals
from shiftloom.codegen.dataflows.streaming.stages import channels, cut, divisors
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.qgraph import (
    Concat,
    Mac,
    QGraph,
    QInput,
    QNode,
    QTensor,
    Requantize,
    ScaledAdd,
    Unit,
    WindowReduce,
)
from shiftloom.codegen.quantizers import qsq
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array, IntType, Shape
from shiftloom.codegen.windows import Window

BYTE = IntType(8, signed=False)
SUMS = IntType(20, signed=True)


def tensor(shape: Shape, kind: IntType = BYTE) -> QTensor:
    """A tensor of scale 1."""
    return QTensor(shape, kind, Array(np.float64(1)))


def mac(outputs: int, channels_in: int, window: Window) -> Mac:
    """A layer with some weights."""
    weights = np.ones((outputs, *window.kernel, channels_in), dtype=np.float32)
    codes = qsq.quantize("sample", weights, Qsq(4, None, "output"))
    return Mac(codes.values, Array(np.zeros(outputs, dtype=np.int64)), window, 0, codes)


def requant(channels_of: int) -> Requantize:
    """Some requantization to bytes."""
    m = Array(np.full(channels_of, 200, dtype=np.int64))
    return Requantize(Requantization(m, 12, 8, BYTE, 0, 255))


def residual() -> QGraph:
    """Conv a; conv b on a, with pooling behind it; both added; a concatenation with the input."""
    same = Window((3, 3), padding=(1, 1))
    nodes: tuple[tuple[str, Unit, tuple[str, ...], QTensor], ...] = (
        ("a", mac(8, 8, same), ("input",), tensor((8, 8, 8), SUMS)),
        ("a_q", requant(8), ("a",), tensor((8, 8, 8))),
        ("b", mac(8, 8, same), ("a_q",), tensor((8, 8, 8), SUMS)),
        ("b_q", requant(8), ("b",), tensor((8, 8, 8))),
        ("sum", ScaledAdd(1, 1, 0, 0, 0, 255), ("a_q", "b_q"), tensor((8, 8, 8))),
        ("pool", WindowReduce("max", Window((2, 2), (2, 2))), ("sum",), tensor((4, 4, 8))),
        ("fc", mac(4, 128, Window((1, 1))), ("pool",), tensor((1, 1, 4), SUMS)),
    )
    return QGraph(
        "net",
        (QInput("input", tensor((8, 8, 8))),),
        tuple(QNode(name, unit, sources, out, name) for name, unit, sources, out in nodes),
        ("fc",),
    )


def test_stages_end_before_matrix_products_branches_and_joins() -> None:
    stages = cut(residual(), parse({}))
    assert [(s.name, *(node.name for node in s.followers)) for s in stages] == [
        ("a", "a_q"),
        ("b", "b_q"),
        ("sum", "pool"),
        ("fc",),
    ]


def test_stage_parts_read_what_their_first_node_reads() -> None:
    stage = cut(residual(), parse({}))[2]
    assert [source.name for source in stage.head.inputs] == ["a_q", "b_q"]
    assert stage.tail is not None
    assert [source.name for source in stage.tail.inputs] == ["sum"]
    assert stage.tail.outputs == ("pool",)


def test_an_output_of_the_network_ends_a_stage() -> None:
    graph = residual()
    cut_graph = QGraph("net", graph.inputs, graph.nodes, ("b", "fc"))
    assert [s.name for s in cut(cut_graph, parse({}))] == ["a", "b", "b_q", "sum", "fc"]


def test_lanes_divide_the_channels_of_all_that_a_unit_reads() -> None:
    joined = QNode("c", Concat(), ("x", "y"), tensor((4, 4, 20)), "c")
    part = QGraph(
        "net", (QInput("x", tensor((4, 4, 12))), QInput("y", tensor((4, 4, 8)))), (joined,), ("c",)
    )
    assert channels(part, joined) == 4


@pytest.mark.parametrize(
    ("pace", "lanes", "behind"), [(1, 8, 1), (2, 4, 2), (3, 4, 3), (99, 1, 99)]
)
def test_requantization_keeps_up(pace: int, lanes: int, behind: int) -> None:
    stage = cut(residual(), parse({}))[0]
    assert stage.tail is not None
    assert tails.keeping(stage.tail, stage.followers[0], pace) == (lanes, behind)


def test_pixels_behind_a_pooling_come_in_bursts() -> None:
    stage = cut(residual(), parse({}))[2]
    assert stage.tail is not None
    assert tails.keeping(stage.tail, stage.followers[0], 4) == (2, 8)


def test_divisors() -> None:
    assert divisors(1) == (1,)
    assert divisors(36) == (1, 2, 3, 4, 6, 9, 12, 18, 36)


def test_arrivals_follow_the_slowest_unit_and_the_windows_in_front_of_it() -> None:
    model = Arrivals(residual(), 1)
    late = 2 * (8 + 1)  # pixels that both convolutions wait for before their first one
    alone = model.latency({"a": 1, "a_q": 1, "b": 1, "b_q": 1, "sum": 1, "pool": 1, "fc": 1})
    slow = model.latency({"a": 1, "a_q": 1, "b": 50, "b_q": 1, "sum": 1, "pool": 1, "fc": 1})
    end = model.latency({"a": 1, "a_q": 1, "b": 1, "b_q": 1, "sum": 1, "pool": 1, "fc": 101})
    assert alone == 64 + late + 7 * (REGISTERS + 1)
    assert slow == pytest.approx(64 * 50 + late + 7 * (REGISTERS + 1), abs=10)
    assert end == alone + 100
