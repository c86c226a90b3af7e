"""What no engine can run is refused by name, with the number and a way out."""

from __future__ import annotations

from dataclasses import replace

import graph_nets
import numpy as np
import pytest
from engine_parts import frames, part_to, systolic_plan
from refusals import refuses

from shiftloom.codegen import golden
from shiftloom.codegen.dataflows.dadiannao import compiled as dadiannao
from shiftloom.codegen.dataflows.dadiannao import interpret as neurons
from shiftloom.codegen.dataflows.engine.arithmetic import arithmetic
from shiftloom.codegen.dataflows.engine.lowering import lower
from shiftloom.codegen.dataflows.engine.operations import Lanes, Op
from shiftloom.codegen.dataflows.engine.parts import part_of
from shiftloom.codegen.dataflows.engine.rewrite import rewritten
from shiftloom.codegen.dataflows.engine.steps import LOOPS, Steps
from shiftloom.codegen.dataflows.systolic import compiled as systolic
from shiftloom.codegen.qgraph import Mac, QGraph, QNode, Requantize, WindowReduce
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array, IntType
from shiftloom.codegen.windows import Window

WAY = "give the layer another dataflow, as layers.<node>.dataflow: streaming"


def _part(network: str, mac: str) -> QGraph:
    return part_to(graph_nets.quantized(network).qgraph, mac)


def _pool(part: QGraph, pad: int | None, window: Window, shape: tuple[int, int]) -> QGraph:
    """`two_outputs` with another maximum between its sums and their requantization."""
    nodes = tuple(
        replace(
            node,
            unit=WindowReduce("max", window, pad),
            out=replace(node.out, shape=(*shape, node.out.shape[2])),
        )
        if node.name == "maxpool2d2"
        else node
        for node in part.nodes
    )
    return replace(part, nodes=nodes)


def _function(part: QGraph, name: str) -> Requantization:
    node = next(node for node in part.nodes if node.name == name)
    assert isinstance(node.unit, Requantize)
    return node.unit.requantization


def test_a_maximum_with_padding_moves_behind_the_requantization() -> None:
    part = _part("two_outputs", "conv2d5")
    padded = _pool(part, None, Window((2, 2), (2, 2), (1, 1)), (4, 4))
    last = replace(padded.nodes[-1].out, shape=(4, 4, 3))
    padded = replace(padded, nodes=(*padded.nodes[:-1], replace(padded.nodes[-1], out=last)))
    nodes = [
        replace(node, out=replace(node.out, shape=(4, 4, 4)))
        if node.name == "maxpool2d2_requant"
        else node
        for node in padded.nodes
    ]
    padded = replace(padded, nodes=tuple(nodes))
    operations = lower(padded, Lanes(4, 4))
    program = dadiannao.compile_program(operations, (LOOPS,) * len(operations.ops))
    x = frames(padded, 2)
    assert (neurons.run(program, x).reshape(2, -1) == golden.run(padded, x)).all()


def test_padding_of_a_maximum_that_differs_by_channel() -> None:
    part = _pool(_part("two_outputs", "conv2d5"), 700, Window((2, 2), (2, 2)), (3, 3))
    function = _function(part, "maxpool2d2_requant")
    values = np.unique(function.apply(np.full(4, 700)))
    assert len(values) > 1
    with refuses(f"maxpool2d2: its padding of 700 is another activation in each channel; {WAY}"):
        rewritten(part)


def test_padding_of_a_maximum_that_is_the_same_in_all_channels() -> None:
    part = rewritten(_pool(_part("two_outputs", "conv2d5"), 0, Window((2, 2), (2, 2)), (3, 3)))
    pool = next(node.unit for node in part.nodes if node.name == "maxpool2d2_requant")
    assert isinstance(pool, WindowReduce)
    assert pool.pad_value == 0


def test_a_window_outside_of_the_map() -> None:
    window = Window((2, 2), (1, 1), (3, 3), dilation=(7, 7))
    part = _pool(_part("two_outputs", "conv2d5"), None, window, (5, 5))
    with refuses(
        f"maxpool2d2: a window lies outside of the map, whose maximum is no activation; {WAY}"
    ):
        rewritten(part)


def test_units_of_raw_sums() -> None:
    part = _part("residual", "conv2d2")
    reduce = WindowReduce("sum", Window((1, 1)))
    sums = part.nodes[0]
    mean = QNode("mean", reduce, (sums.name,), sums.out, "mean")
    nodes = (sums, mean, replace(part.nodes[1], sources=("mean",)), *part.nodes[2:])
    with refuses(f"mean: WindowReduce of the sums of 'conv2d0', which no engine stores; {WAY}"):
        lower(replace(part, nodes=nodes), Lanes(4, 4))


def test_activations_that_are_wider_than_the_memory() -> None:
    part = _part("residual", "conv2d2")
    source = part.inputs[0]
    wide = replace(source, tensor=replace(source.tensor, type=IntType(16, False)))
    operations = lower(replace(part, inputs=(wide,)), Lanes(8, 8))
    with refuses(
        "relu1_requant: reads or makes uint16, a lane of the memory has 8 bits; "
        "use activations of at most 8 bits, or the dataflow dadiannao"
    ):
        systolic.compile_program(operations, systolic_plan(operations, 1, (9, 9)))


def _changed(**changes: object) -> tuple[Op, ...]:
    operations = lower(_part("residual", "conv2d2"), Lanes(4, 4))
    function = operations.ops[0].requant
    assert function is not None
    first = replace(operations.ops[0], requant=replace(function, **changes))
    return (first, *operations.ops[1:])


def test_constants_that_are_too_wide() -> None:
    operations = lower(_part("residual", "conv2d2"), Lanes(4, 4))
    with refuses(f"relu1_requant: has the constant 1000, the engine holds 10 bits; {WAY}"):
        arithmetic(replace(operations, ops=_changed(hi=1000)))
    offset = Array(np.full(4, 1 << 40))
    with refuses(
        "relu1_requant: requantizes with M and C of 76 bits together, the limit is 63; " + WAY
    ):
        arithmetic(replace(operations, ops=_changed(offset=offset, m_bits=34)))


def test_a_step_far_from_its_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiftloom.codegen.dataflows.engine.steps.MAX_OFFSET", 9)
    operations = lower(_part("residual", "conv2d2"), Lanes(4, 4))
    with refuses(
        "conv2d2: a step lies 9 words from its pixel, the limit is 8; use an array with more rows"
    ):
        Steps(operations.ops[1], operations.lanes).entries(63, 7)


def test_too_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiftloom.codegen.dataflows.engine.steps.MAX_STEPS", 8)
    operations = lower(_part("residual", "conv2d2"), Lanes(4, 4))
    with refuses(
        "in0: needs 9 entries of the step memory, the limit is 8; "
        "use a larger target.array, or give some layers another dataflow"
    ):
        dadiannao.compile_program(operations, (LOOPS,) * 2)


def test_a_neuron_buffer_that_is_too_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiftloom.codegen.dataflows.dadiannao.compiled.MAX_DEPTH", 100)
    operations = lower(_part("residual", "conv2d2"), Lanes(4, 4))
    with refuses(
        "conv2d2: its engine needs a neuron buffer of 126 words, the limit is 100; "
        "use an array with more rows, or the dataflow systolic"
    ):
        dadiannao.compile_program(operations, (LOOPS,) * 2)


def test_sums_that_are_an_output() -> None:
    qgraph = graph_nets.quantized("residual").qgraph
    with refuses("conv2d0: raw sums of an engine are an output"):
        part_of(replace(qgraph, outputs=("conv2d0",), nodes=qgraph.nodes[:1]), ("conv2d0",))


def test_two_layers_whose_sums_leave() -> None:
    qgraph = graph_nets.quantized("branches").qgraph
    names = ("conv2d0", "conv2d2")
    nodes = tuple(node for node in qgraph.nodes if isinstance(node.unit, Mac))
    joined = replace(qgraph, nodes=tuple(node for node in nodes if node.name in names))
    with refuses(
        "conv2d0: its engine would emit its sums beside those of 'conv2d2', it can emit one value"
    ):
        part_of(replace(joined, outputs=()), names)
