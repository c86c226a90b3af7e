"""The built-in layers, and the multipliers that a dataflow is given for one."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest

from shiftloom.codegen.config import Config
from shiftloom.codegen.dataflows.registry import DATAFLOWS
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import check
from shiftloom.codegen.qgraph import Mac, QGraph
from shiftloom.codegen.quantize import quantize
from shiftloom.comparing import layers, sizing
from shiftloom.comparing.layers import KINDS, Kind, Sizes, kinds
from shiftloom.comparing.run import LAYER_CONFIG


def qgraph_of(kind: Kind, config: Config = LAYER_CONFIG) -> QGraph:
    """The integer network of a layer."""
    return quantize(kind.graph(), kind.frames(4), config).qgraph


def small(name: str) -> Kind:
    """A layer of a kind with few channels."""
    return kinds(name, Sizes(size=6, inputs=8))[0]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_layers_are_networks_of_one_layer(kind: Kind) -> None:
    graph = check(kind.graph())
    assert graph.inputs[0].shape == kind.frames(2).shape[1:]
    height, width, channels = graph.shapes()["relu"]
    assert channels == kind.outputs
    assert height == width == (-(-kind.size // kind.stride) if kind.kernel else 1)
    assert kind.graph(1) != kind.graph(0) == kind.graph(0)


@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
def test_weights_have_three_bits(name: str) -> None:
    mac = next(node.unit for node in qgraph_of(small(name)).nodes if isinstance(node.unit, Mac))
    assert mac.codes.format.bits == 3
    assert mac.groups == (8 if name == "depthwise" else 1)


def test_all_layers_and_their_sizes() -> None:
    assert kinds("all", Sizes()) == KINDS
    (kind,) = kinds("conv5x5s2", Sizes(20, 3, 5))
    assert kind == replace(KINDS[3], size=20, inputs=3, outputs=5)


@pytest.mark.parametrize(
    ("name", "sizes", "message"),
    [
        (
            "conv3x4",
            Sizes(),
            "--layer 'conv3x4': is not known; did you mean 'conv3x3'? "
            "known: conv3x3, conv1x1, depthwise, conv5x5s2, linear, all",
        ),
        ("all", Sizes(inputs=4), "--layer all: takes no sizes; name one layer for them"),
        ("linear", Sizes(outputs=0), "--outputs: 0; use 1 or more"),
        ("linear", Sizes(size=-1), "--size: -1; use 1 or more"),
        (
            "depthwise",
            Sizes(inputs=4, outputs=8),
            "depthwise: 8 outputs of 4 inputs; a depthwise layer has as many of both",
        ),
    ],
)
def test_impossible_layers_are_refused(name: str, sizes: Sizes, message: str) -> None:
    with pytest.raises(ShiftloomError) as refused:
        kinds(name, sizes)
    assert str(refused.value) == message


# ---------------------------------------------------------------- multipliers


@pytest.mark.parametrize(
    ("dataflow", "multipliers", "array"),
    [
        ("dadiannao", 256, (16, 16)),
        ("dadiannao", 300, (16, 16)),
        ("dadiannao", 1, (4, 4)),
        ("dadiannao", 1024, (32, 32)),
        ("systolic", 256, (16, 16)),
        ("systolic", 512, (16, 32)),
        ("systolic", 100, (8, 8)),
        ("systolic", 192, (8, 24)),
        ("systolic", 1, (8, 8)),
    ],
)
def test_arrays_of_engines(dataflow: str, multipliers: int, array: tuple[int, int]) -> None:
    assert sizing.array_of(dataflow, multipliers) == array


@pytest.mark.parametrize(
    ("name", "dataflow", "multipliers", "folding"),
    [
        ("conv3x3", "streaming", 256, (16, 16)),
        ("conv3x3", "streaming", 1, (1, 1)),
        ("conv3x3", "pipeline", 256, (4, 8)),
        ("conv1x1", "pipeline", 256, (16, 16)),
        ("depthwise", "streaming", 9, (8, 1)),
        ("linear", "streaming", 256, (16, 16)),
    ],
)
def test_foldings_are_near_and_square(
    name: str, dataflow: str, multipliers: int, folding: tuple[int, int]
) -> None:
    qgraph = qgraph_of(next(kind for kind in KINDS if kind.name == name))
    (node,) = sizing.matrices(qgraph)
    pe, simd = sizing.folding_of(node, dataflow, multipliers)
    assert pe * simd == prod(folding)
    assert sorted((pe, simd)) == sorted(folding)


def test_a_network_shares_multipliers_by_products() -> None:
    graph = small("conv3x3").graph()
    config = sizing.sized(LAYER_CONFIG, qgraph_of(small("conv3x3")), "streaming", 24)
    assert config.target.dataflow == "streaming"
    assert prod(config.layer(layers.LAYER).folding or ()) == 24
    assert config.layer("relu") == LAYER_CONFIG.defaults
    assert graph.name == "conv3x3"
    free = sizing.sized(LAYER_CONFIG, qgraph_of(small("conv3x3")), "streaming", None)
    assert free == LAYER_CONFIG


def test_no_more_multipliers_than_the_streams_feed() -> None:
    """A depthwise layer has 9 products an element that leaves, however many multipliers it has."""
    assert sizing.useful(qgraph_of(small("depthwise")), 256) == 9
    assert sizing.useful(qgraph_of(KINDS[0]), 256) == 256
    assert sizing.useful(qgraph_of(KINDS[0]), 1024) == 288


def test_products_are_counted_with_the_padding() -> None:
    assert sizing.products(qgraph_of(small("conv3x3"))) == 36 * 32 * 9 * 8
    assert sizing.products(qgraph_of(small("depthwise"))) == 36 * 8 * 9


def test_multipliers_are_those_of_the_units() -> None:
    qgraph = qgraph_of(small("conv3x3"))
    for dataflow in DATAFLOWS:
        if dataflow.name in sizing.ENGINES:
            continue
        config = sizing.sized(LAYER_CONFIG, qgraph, dataflow.name, 32)
        from shiftloom.codegen import boards

        _, units = dataflow.schedule(qgraph, config, boards.get("pynq-z2"))
        assert 16 <= sizing.multipliers_of(units) <= 72


def frames_differ(first: Any, second: Any) -> bool:
    """Whether two sets of frames are not the same."""
    return not np.array_equal(first, second)


def test_frames_are_seeded() -> None:
    kind = small("conv1x1")
    assert not frames_differ(kind.frames(3), kind.frames(3))
    assert frames_differ(kind.frames(3), kind.frames(3, seed=2))
