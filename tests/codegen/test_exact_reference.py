"""Imported quantizers: the integer graph equals exact rational arithmetic at every quantizer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from qdq_graphs import Builder, random_graph
from refusals import refuses

from shiftloom.codegen import exact, golden
from shiftloom.codegen.config import Config
from shiftloom.codegen.graph import Frames, Graph, GraphInput
from shiftloom.codegen.ops import Quantize, Sigmoid
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.values import IntArray
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


def small(*, weights: bool = True) -> Graph:
    b = Builder(np.random.default_rng(0), GraphInput((3, 3, 1), 8, 0.5))
    sums = b.conv("input", 2, Window((2, 2)))
    return b.graph(b.op(Sigmoid(), b.quantize(sums, 0.1)))


def test_what_is_no_rational_function_is_refused() -> None:
    x = np.zeros((1, 3, 3, 1), dtype=np.int64)
    with refuses("sigmoid2: Sigmoid has no exact value; quantize before it"):
        exact.run(small(), x)
