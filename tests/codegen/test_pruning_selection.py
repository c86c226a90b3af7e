"""Which channels go: scores, shares, and room for those that must stay."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from networks import chain
from pruning_nets import (
    settings,
)

from shiftloom.codegen import config, ops
from shiftloom.codegen.graph import Graph, GraphInput, Node
from shiftloom.codegen.ops import Conv2d, Linear
from shiftloom.codegen.pruning import filter_fpgm, prune
from shiftloom.codegen.pruning.criteria import CRITERIA, scores
from shiftloom.codegen.pruning.groups import find
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window


def row(*sums: float, inputs: int = 1) -> Conv2d:
    """A 1×1 convolution whose filters have these L1 norms."""
    weights = np.repeat(np.float32(sums)[:, None], inputs, axis=1) / inputs
    bias = np.arange(len(sums), dtype=np.float32)
    return Conv2d(Array(weights[:, None, None, :]), Array(bias), Window((1, 1)))


def rows(*norms: tuple[float, ...]) -> Graph:
    """1×1 convolutions in a row, of filters with these norms."""
    inputs = (1, *(len(n) for n in norms))
    layers = [row(*n, inputs=i) for n, i in zip(norms, inputs, strict=False)]
    return chain(*layers, source=GraphInput((2, 2, 1)))


TWO = ((1, 2, 3, 4, 5, 6, 7, 8), (100, 101, 102, 103), (1, 1))


@pytest.mark.parametrize(
    ("keys", "biases"),
    [
        ({"share": 0.5}, ([4, 5, 6, 7], [2, 3])),
        ({"share": 0.9}, ([7], [3])),
        ({"share": 0.9, "minimum": 3}, ([5, 6, 7], [1, 2, 3])),
        ({"share": 0.9, "minimum": 6}, ([2, 3, 4, 5, 6, 7], [0, 1, 2, 3])),
        ({"share": 0.5, "multiple": 3}, ([2, 3, 4, 5, 6, 7], [1, 2, 3])),
        ({"share": 0.45, "multiple": 5}, ([3, 4, 5, 6, 7], [0, 1, 2, 3])),
        ({"share": 0.5, "keep": ["conv2d0"]}, ([*range(8)], [2, 3])),
        ({"share": 0.25, "scope": "global"}, ([3, 4, 5, 6, 7], [0, 1, 2, 3])),
        ({"share": 0.75, "scope": "global"}, ([6, 7], [3])),
        ({"share": 0.95, "scope": "global", "minimum": 2}, ([6, 7], [2, 3])),
        ({"share": 0}, ([*range(8)], [*range(4)])),
    ],
)
def test_the_lowest_scores_go_as_far_as_there_is_room(
    keys: dict[str, object], biases: tuple[list[int], list[int]]
) -> None:
    small = prune(rows(*TWO), settings(method="filter_l1", **keys))
    found = [node.op.bias.data.tolist() for node in small.nodes if isinstance(node.op, Conv2d)]
    assert found == [*biases, [0, 1]]


def test_tied_layers_share_their_scores() -> None:
    """A channel that one layer of a sum makes much of stays."""
    nodes = (
        Node("a", row(1, 2, 9, 4), ("input",)),
        Node("b", row(8, 2, 1, 5), ("input",)),
        Node("sum", ops.Add(), ("a", "b")),
        Node("last", row(1, 1, inputs=4), ("sum",)),
    )
    graph = Graph("net", (GraphInput((2, 2, 1)),), nodes, ("last",))
    small = prune(graph, settings(method="filter_l1", share=0.25))
    for node in small.nodes[:2]:
        assert isinstance(node.op, Conv2d)
        assert node.op.bias.data.tolist() == [0, 2, 3]


def test_the_geometric_median_goes_first() -> None:
    weights = np.array([[0, 0], [4, 0], [0, 4], [4, 4], [2, 2.5]], np.float32)
    layer = Linear(Array(weights), Array(np.zeros(5, np.float32)))
    distances = [np.linalg.norm(weights - w, axis=1).sum() for w in weights.astype(np.float64)]
    assert filter_fpgm.scores(layer) == pytest.approx(distances)
    assert int(filter_fpgm.scores(layer).argmin()) == 4


def test_a_channel_counts_with_the_weights_that_read_it() -> None:
    last = Linear(Array(np.float32([[1, 5, 0], [-2, 1, 0]])), Array(np.zeros(2, np.float32)))
    graph = chain(row(3, 3, 6), ops.Flatten(), last, source=GraphInput((1, 1, 1)))
    groups = find(graph)
    found = scores(graph, groups, CRITERIA["channel"])
    assert [found[g] for g in groups.of["conv2d0"].tolist()] == [0.75 + 1, 0.75 + 2, 1.5]
    small = prune(graph, settings(method="channel", share=0.3))
    assert small.nodes[0].op.bias.data.tolist() == [0, 1]  # type: ignore[attr-defined]


def test_every_method_is_there() -> None:
    words = get_args(config.PruningMethod)
    assert sorted(words) == sorted(("none", "magnitude", "nm", "block", *CRITERIA))


def test_a_silent_layer_scores_zero() -> None:
    graph = rows((0, 0, 0), (1, 1))
    groups = find(graph)
    found = scores(graph, groups, CRITERIA["filter_l1"])
    assert [found[g] for g in groups.of["conv2d0"].tolist()] == [0, 0, 0]


def test_an_affine_map_goes_with_its_layer() -> None:
    """It is folded first: a filter is judged and removed with its normalization."""
    affine = ops.Affine(Array(np.array([1.0, 0.1, 1.0])), Array(np.array([5.0, 6.0, 7.0])))
    graph = chain(row(2, 3, 1), affine, row(1, 1, inputs=3), source=GraphInput((2, 2, 1)))
    small = prune(graph, settings(method="filter_l1", share=0.3))
    assert [node.name for node in small.nodes] == ["conv2d0", "conv2d2"]
    assert small.nodes[0].op.bias.data.tolist() == [5, 9]  # type: ignore[attr-defined]
