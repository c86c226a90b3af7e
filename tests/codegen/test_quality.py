"""Quality in the golden model: networks whose operands keep K digits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import chain, frames
from refusals import refuses

from shiftloom.codegen import golden, quality
from shiftloom.codegen.config import parse
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.ops import Conv2d, Flatten, Linear, Relu
from shiftloom.codegen.qgraph import Mac, QGraph, QNode, Requantize
from shiftloom.codegen.quality import Scalable
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.signed_digits import kept, most_digits
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window

INT8 = {"format": "int", "pe": "csd", "requant": "csd"}
SHORT = {"axis": "channel", "vector": 2, "pe": "csd", "alpha_bits": 8}


def network() -> Graph:
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=(4, 3, 3, 2)).astype(np.float32)
    last = rng.normal(size=(5, 4 * 4 * 4)).astype(np.float32)
    return chain(
        Conv2d(Array(kernel), Array(rng.normal(size=4).astype(np.float32)), Window((3, 3))),
        Relu(),
        Flatten(),
        Linear(Array(last), Array(rng.normal(size=5).astype(np.float32))),
        source=GraphInput((6, 6, 2), 8, 1 / 255, 0),
    )


def quantized(**layers: object) -> QGraph:
    rng = np.random.default_rng(2)
    config = parse({"layers": layers})
    return quantize(network(), frames(rng, (6, 6, 2)), config).qgraph


def test_each_operand_of_digits_has_a_quality() -> None:
    qgraph = quantized(conv2d0=INT8, linear3=SHORT)
    units = {node.name: node.unit for node in qgraph.nodes}
    weights, m = units["conv2d0"], units["relu1_requant"]
    alpha = units["linear3"]
    assert isinstance(weights, Mac)
    assert isinstance(m, Requantize)
    assert isinstance(alpha, Mac)
    assert quality.scalable(qgraph) == (
        Scalable("conv2d0", "conv2d0", "weight", most_digits(weights.weights.data)),
        Scalable("relu1_requant", "conv2d0", "m", most_digits(m.requantization.m.data)),
        Scalable("linear3", "linear3", "alpha", most_digits(alpha.codes.mantissa.data)),
    )
    assert quality.scalable(quantized()) == ()


@pytest.mark.parametrize("k", [1, 2, 3, 9, 15])
def test_the_golden_model_computes_with_the_digits_that_are_kept(k: int) -> None:
    qgraph = quantized(conv2d0=INT8, linear3=SHORT)
    x = frames(np.random.default_rng(3), (6, 6, 2))
    units = {node.name: node.unit for node in qgraph.nodes}
    first, last = units["conv2d0"], units["linear3"]
    assert isinstance(first, Mac)
    assert isinstance(last, Mac)
    levels = {each.node: k for each in quality.scalable(qgraph)}
    values = golden.trace(quality.reduced(qgraph, levels), x)
    window = x[:, :3, :3, :].astype(np.int64)
    weights = kept(first.weights.data, k)
    expected = np.tensordot(window, weights, ([1, 2, 3], [1, 2, 3])) + first.bias.data
    assert values["conv2d0"][:, 0, 0].tolist() == expected.tolist()
    codes = last.codes
    alpha = codes.format.spread(kept(codes.mantissa.data, k), codes.values.data.shape)
    vectors = values["relu1_requant"].reshape(len(x), -1)
    expected = vectors @ (codes.values.data * alpha).reshape(5, -1).T + last.bias.data
    assert values["linear3"].reshape(len(x), 5).tolist() == expected.tolist()
    assert (
        golden.run(qgraph, x, quality=levels).tolist()
        == values[qgraph.outputs[0]].reshape(len(x), -1).tolist()
    )
    if k >= 9:
        assert golden.run(qgraph, x).tolist() == golden.run(qgraph, x, quality=levels).tolist()


@pytest.mark.parametrize("settings", [INT8, {**SHORT, "axis": "filter"}, SHORT], ids=str)
def test_sums_hold_every_quality(settings: dict[str, object]) -> None:
    """On the frames that reach furthest: 255 where a weight is positive, and where it is not."""
    qgraph = quantized(conv2d0=settings)
    node = qgraph.nodes[0]
    for k in range(1, 10):
        unit = quality.reduced(qgraph, {"conv2d0": k}).nodes[0].unit
        assert isinstance(unit, Mac)
        flat = unit.weights.data.reshape(4, -1)
        high = np.maximum(flat, 0).sum(axis=1) * 255 + unit.bias.data
        low = np.minimum(flat, 0).sum(axis=1) * 255 + unit.bias.data
        assert node.out.type.lo <= low.min()
        assert high.max() <= node.out.type.hi


def test_what_has_no_quality_is_refused() -> None:
    qgraph = quantized(conv2d0=INT8)
    most = quality.scalable(qgraph)[0].most
    with refuses("linear3: has no quality to choose; known: conv2d0, relu1_requant"):
        quality.reduced(qgraph, {"linear3": 2})
    for k in (0, 16):
        with refuses(f"conv2d0: quality {k} is out of range; use 1 to 15; {most} are exact"):
            quality.reduced(qgraph, {"conv2d0": k})
    with refuses("linear3: has no quality to choose; build it with pe: csd or requant: csd"):
        quality.reduced(quantized(), {"linear3": 2})
    with refuses(
        "conv2d0: pe: csd, and every weight has one signed digit at most; "
        "use requant: csd, which cuts α in M, or a format of more digits, such as int"
    ):
        quantized(conv2d0={"pe": "csd"})


def test_digits_that_no_unit_multiplies_by_are_refused() -> None:
    """Imported multipliers may have up to 34 bits."""
    qgraph = quantized(conv2d0=INT8)
    for bits, is_refused in ((24, False), (26, True)):
        nodes = tuple(_with_m(node, (1 << bits) - 1) for node in qgraph.nodes)
        made = replace(qgraph, nodes=nodes)
        if is_refused:
            message = "relu1_requant: multiplies by 14 pairs of signed digits, the limit is 13; "
            with refuses(message + "use requant: mult_shift for conv2d0"):
                quality.check(made)
        else:
            assert quality.check(made) is made


def _with_m(node: QNode, m: int) -> QNode:
    if not (isinstance(node.unit, Requantize) and node.unit.is_scalable):
        return node
    known = node.unit.requantization
    function = replace(known, m=Array(np.full_like(known.m.data, m)))
    return replace(node, unit=replace(node.unit, requantization=function))
