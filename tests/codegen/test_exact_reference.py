"""Imported quantizers: the integer graph equals exact rational arithmetic at every quantizer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qdq_graphs import Builder, random_graph
from refusals import refuses

from shiftloom.codegen import exact, golden
from shiftloom.codegen.config import Config
from shiftloom.codegen.graph import Frames, Graph, GraphInput, Op
from shiftloom.codegen.ops import (
    Add,
    Affine,
    AvgPool2d,
    Concat,
    Conv2d,
    MaxPool2d,
    Quantize,
    Relu,
    Sigmoid,
)
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.values import Array, IntArray
from shiftloom.codegen.windows import Window


def quantizers(result: Quantized, x: Frames) -> Iterator[tuple[str, IntArray, IntArray]]:
    """Name, exact integers and golden integers of every quantizer that has a unit.

    Both are given without their zero points, which the integer graph may choose.
    """
    values, integers = exact.run(result.graph, x), golden.trace(result.qgraph, x)
    zeros = {node.name: node.out.zero for node in result.qgraph.nodes}
    for node in result.graph.nodes:
        if isinstance(node.op, Quantize) and node.name in integers:
            wanted = exact.integers(node.op, values[node.sources[0]])
            yield node.name, wanted - node.op.zero, integers[node.name] - int(zeros[node.name])


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_random_networks_are_exact(seed: int) -> None:
    graph = random_graph(seed)
    x = np.random.default_rng(seed).integers(-128, 128, (3, *graph.inputs[0].shape))
    result = quantize(graph, None, Config())
    for name, wanted, got in quantizers(result, x):
        assert np.array_equal(wanted.ravel(), got.ravel()), name
    output = result.qgraph.tensor(result.qgraph.outputs[0])
    real = (golden.run(result.qgraph, x) - output.zero) * output.scale.data
    expected = exact.run(graph, x)[graph.outputs[0]].approximate.reshape(real.shape)
    assert np.allclose(real, expected, rtol=0, atol=1e-9)


def test_a_changed_network_is_noticed() -> None:
    graph = random_graph(3)
    x = np.random.default_rng(3).integers(-128, 128, (3, *graph.inputs[0].shape))
    result = quantize(graph, None, Config())
    changed = golden.trace(result.qgraph, np.minimum(x + 1, 127))
    pairs = list(quantizers(result, x))
    assert any(
        not np.array_equal(changed[name], golden.trace(result.qgraph, x)[name])
        for name, _, _ in pairs
    )


def behind(*ops: Op) -> Graph:
    """`ops` in a row behind the sums of a layer; those of two operands read the sums as well."""
    b = Builder(np.random.default_rng(0), GraphInput((4, 4, 1), 8, 0.5))
    x = sums = b.conv("input", 2, Window((2, 2)))
    for op in ops:
        x = b.op(op, x, sums) if isinstance(op, Add | Concat) else b.op(op, x)
    return b.graph(x)


TINY = np.ones((1, 1, 1, 2))
WHOLE = "reads a value without integers; quantize before it"


@pytest.mark.parametrize(
    ("ops", "message"),
    [
        ((Sigmoid(),), "sigmoid1: Sigmoid has no exact value; quantize before it"),
        ((Relu(), AvgPool2d(Window((2, 2)))), f"avgpool2d2: {WHOLE}"),
        ((Relu(), Concat()), f"concat2: {WHOLE}"),
        ((Add(), MaxPool2d(Window((2, 2)))), f"maxpool2d2: {WHOLE}"),
        ((Relu(), Add()), "add2: adds values without integers; quantize before it"),
        (
            (Relu(), Affine(Array(np.ones(2)), Array(np.ones(2)))),
            "affine2: scales a value without integers; quantize before it",
        ),
        (
            (AvgPool2d(Window((2, 2))),),
            "avgpool2d1: reads channels of several scales; quantize before it",
        ),
        (
            (AvgPool2d(Window((2, 2), padding=(1, 1)), count_include_pad=False),),
            "avgpool2d1: its windows have different divisors; count the padding",
        ),
        (
            (Quantize(0.5), Conv2d(Array(TINY), Array(np.zeros(1)), Window((1, 1)))),
            "conv2d2: its weights are real numbers; quantize them",
        ),
    ],
)
def test_what_is_not_exact_is_refused(ops: tuple[Op, ...], message: str) -> None:
    with refuses(message):
        exact.run(behind(*ops), np.zeros((1, 4, 4, 1), dtype=np.int64))
