"""Zeros in blocks: which weights are one block, that the least blocks go, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from networks import chain, frames
from pruning_nets import settings
from refusals import refuses

from shiftloom.codegen import ops
from shiftloom.codegen.config import parse
from shiftloom.codegen.fitted import kernel
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.ops.fold import fold_affines
from shiftloom.codegen.pruning import masks, prune
from shiftloom.codegen.pruning.block import blocks, zero_blocks
from shiftloom.codegen.pruning.zeros import layers
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window


def conv(outputs: int, inputs: int, seed: int = 0, groups: int = 1, side: int = 3) -> ops.Conv2d:
    """A convolution with random weights, none of them 0."""
    shape = (outputs, side, side, inputs // groups)
    weights = Array(np.random.default_rng(seed).normal(size=shape).astype(np.float32))
    bias = Array(np.zeros(outputs, np.float32))
    return ops.Conv2d(weights, bias, Window((side, side)), groups=groups)


def one(op: ops.Conv2d, inputs: int) -> Graph:
    """A network of one layer, `conv2d0`."""
    return chain(op, source=GraphInput((5, 5, inputs)))


def means(graph: Graph, name: str, size: tuple[int, int]) -> list[float]:
    """The mean magnitude of each block, by the definition."""
    found, weights = blocks(graph, name, size), np.abs(layers(graph)[name].weights.data)
    return [float(weights[found == index].mean()) for index in range(found.max() + 1)]


@pytest.mark.parametrize(("inputs", "outputs"), [(8, 8), (5, 7), (3, 9)])
def test_blocks_are_channels_of_one_tap(inputs: int, outputs: int) -> None:
    found = blocks(one(conv(outputs, inputs), inputs), "conv2d0", (4, 3))
    index = np.indices(found.shape)
    where = (index[0] // 3, index[1], index[2], index[3] // 4)
    same = np.unique(np.stack(where).reshape(4, -1), axis=1)
    assert found.max() + 1 == same.shape[1] == -(-outputs // 3) * 9 * -(-inputs // 4)
    for block in range(found.max() + 1):
        assert all(len(np.unique(axis[found == block])) == 1 for axis in where)


def test_blocks_of_groups_are_those_of_the_map() -> None:
    depthwise = blocks(one(conv(6, 6, groups=6), 6), "conv2d0", (4, 4))
    assert depthwise.max() + 1 == 2 * 9
    assert [len(set(depthwise[rows, 0, 0, 0].tolist())) for rows in ([0, 3], [3, 4])] == [1, 2]
    grouped = blocks(one(conv(4, 6, groups=2, side=1), 6), "conv2d0", (4, 4))
    assert grouped[:, 0, 0].tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 1], [0, 1, 1]]


def test_a_flattened_vector_has_the_taps_of_its_map() -> None:
    weights = Array(np.float32(np.arange(1, 13)).reshape(1, 12))
    linear = ops.Linear(weights, Array(np.zeros(1, np.float32)))
    graph = chain(ops.Flatten(), linear, source=GraphInput((2, 2, 3)))
    assert blocks(graph, "linear1", (2, 1)).tolist() == [[0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7]]


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.75])
def test_the_least_blocks_go(share: float, scope: str) -> None:
    graph = chain(conv(7, 5), conv(6, 7, 1), source=GraphInput((6, 6, 5)))
    how = settings(method="block", block=[4, 3], share=share, scope=scope)
    after = prune(graph, how)
    scores = {name: means(graph, name, (4, 3)) for name in layers(graph)}
    parts = [[name] for name in scores] if scope == "layer" else [list(scores)]
    for names in parts:
        gone = {(name, i) for name in names for i in _zeros(after, name, (4, 3))}
        every = sorted((s, name, i) for name in names for i, s in enumerate(scores[name]))
        assert gone == {(name, i) for _, name, i in every[: round(share * len(every))]}
    for name, op in layers(after).items():
        assert np.array_equal(
            op.weights.data, layers(graph)[name].weights.data * _stay(after, name)
        )
        assert zero_blocks(after, name, (4, 3)) == (
            len(_zeros(after, name, (4, 3))),
            len(scores[name]),
        )


def _stay(graph: Graph, name: str) -> np.ndarray:
    return masks(graph)[name].data


def _zeros(graph: Graph, name: str, size: tuple[int, int]) -> list[int]:
    """Blocks without a weight; the others have all of theirs."""
    found, stay = blocks(graph, name, size), _stay(graph, name)
    shares = [stay[found == index].mean() for index in range(found.max() + 1)]
    assert set(shares) <= {0.0, 1.0}
    return [index for index, share in enumerate(shares) if not share]


def test_zero_blocks_are_zero_in_the_integer_network() -> None:
    graph = fold_affines(chain(conv(8, 4), ops.Relu(), conv(8, 8, 1), source=GraphInput((8, 8, 4))))
    config = parse({"pruning": {"method": "block", "block": [4, 4], "share": 0.5}})
    small = prune(graph, config)
    x = frames(np.random.default_rng(0), (8, 8, 4), 16)
    for node in quantize(small, x, config).qgraph.nodes:
        if isinstance(node.unit, Mac):
            op = layers(small)[node.name]
            assert not node.unit.weights.data[kernel(op) == 0].any()
            assert zero_blocks(small, node.name, (4, 4))[0] == (9 if node.name == "conv2d0" else 18)


def test_kept_layers_stay() -> None:
    graph = chain(conv(4, 4), conv(4, 4, 1), source=GraphInput((8, 8, 4)))
    after = prune(graph, settings(method="block", block=[4, 4], share=0.5, keep=["conv2d0"]))
    assert [zero_blocks(after, name, (4, 4)) for name in layers(after)] == [(0, 9), (4, 9)]


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_a_layer_without_a_block_left_is_refused(scope: str) -> None:
    graph = one(conv(4, 4, side=1), 4)
    with refuses(
        "conv2d0: none of its 1 blocks stays at a share of 0.9; "
        "use a smaller share or smaller blocks, or name it in pruning.keep"
    ):
        prune(graph, settings(method="block", share=0.9, scope=scope))


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ([0, 4], "pruning.block.0: 0; input should be greater than or equal to 1"),
        ([4, 5000], "pruning.block.1: 5000; input should be less than or equal to 4096"),
        (16, "pruning.block: 16; input should be a valid tuple"),
    ],
)
def test_impossible_blocks_are_refused(size: object, message: str) -> None:
    with refuses(f"configuration: {message}"):
        settings(method="block", block=size)
