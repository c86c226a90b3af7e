"""Channels removed: the smaller network equals the old one with silent filters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pytest
import qdq_graphs
from graph_nets import SKETCHES
from networks import chain
from pruning_nets import NETS, assert_same, graph_of, outputs_of, settings, silenced
from random_graphs import random_graph
from refusals import refuses
from sketches import Sketch

from shiftloom.codegen import config, golden, ops
from shiftloom.codegen.config import Config, PruningConfig
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph, GraphInput, Node
from shiftloom.codegen.ops import OPS, Conv2d, Linear
from shiftloom.codegen.ops.fold import fold_affines
from shiftloom.codegen.pruning import filter_fpgm, prune
from shiftloom.codegen.pruning.channels import APART, MOVING
from shiftloom.codegen.pruning.criteria import CRITERIA, scores
from shiftloom.codegen.pruning.groups import Groups, find
from shiftloom.codegen.pruning.selection import chosen
from shiftloom.codegen.pruning.shrink import shrunk
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.values import Array, FloatArray, Shape
from shiftloom.codegen.windows import Window

BOUND = ("two_outputs", "resized")
"""Networks whose channels all reach an output, or a padded layer as something else than 0."""
ALL = {name: make for name, make in (SKETCHES | NETS).items() if name not in (*BOUND, "whole")}


def sketched(name: str, seed: int = 0) -> Graph:
    sketch = Sketch(np.random.default_rng(seed))
    return graph_of(sketch, (SKETCHES | NETS)[name](sketch))


def removed(graph: Graph, **keys: object) -> tuple[Groups, frozenset[int]]:
    """The groups of a graph, and those that a configuration removes by its L1 norms."""
    how = settings(method="filter_l1", **keys).pruning
    groups = find(graph, how.keep)
    return groups, chosen(graph, groups, scores(graph, groups, CRITERIA["filter_l1"]), how)


def any_of(graph: Graph, groups: Groups, rng: np.random.Generator) -> frozenset[int]:
    """Groups that may go, chosen at random; none where none may."""
    names = sorted({g for of in groups.of.values() for g in of.tolist()})
    score = dict(zip(names, rng.random(len(names)).tolist(), strict=True))
    how = PruningConfig("filter_l1", float(rng.uniform(0.3, 0.99)), "global")
    try:
        return chosen(graph, groups, score, how)
    except ShiftloomError:
        return frozenset()


def filters(graph: Graph) -> dict[str, int]:
    """How many filters each layer has."""
    shapes = graph.shapes()
    return {n.name: shapes[n.name][2] for n in graph.nodes if hasattr(n.op, "weights")}


# ---------------------------------------------------------------- the same function


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("name", ALL)
def test_the_smaller_network_is_the_old_one_with_silent_filters(name: str, scope: str) -> None:
    graph = sketched(name)
    groups, gone = removed(graph, share=0.5, scope=scope)
    small = shrunk(graph, groups, gone)
    assert gone
    assert sum(filters(small).values()) < sum(filters(graph).values())
    assert_same(silenced(graph, groups, gone), small)


def test_any_groups_may_go_from_random_graphs() -> None:
    """Not only those that a criterion chooses."""
    rng = np.random.default_rng(1)
    lost = []
    for seed in range(120):
        sketch = Sketch(np.random.default_rng(seed))
        graph = graph_of(sketch, random_graph(sketch))
        groups = find(graph)
        gone = any_of(graph, groups, rng)
        if gone:
            assert_same(silenced(graph, groups, gone), shrunk(graph, groups, gone))
            lost.append(len(gone))
    assert len(lost) > 30
    assert sum(lost) > 100


def test_silent_filters_change_the_network() -> None:
    """The comparison above would fail for other filters."""
    graph = sketched("residual")
    groups, gone = removed(graph, share=0.5)
    other = sorted({g for of in groups.of.values() for g in of.tolist()} - groups.fixed - gone)
    small, wrong = shrunk(graph, groups, gone), silenced(graph, groups, other[: len(gone)])
    assert np.abs(outputs_of(small)[0] - outputs_of(wrong)[0]).max() > 0.01


def test_a_wrong_constant_is_seen() -> None:
    """What is left of a removed channel matters."""
    graph = sketched("curved")
    groups, gone = removed(graph, share=0.5)
    blank = {name: np.zeros_like(left) for name, left in groups.left.items()}
    small = shrunk(graph, replace(groups, left=blank), gone)
    exact = silenced(graph, groups, gone)
    assert np.abs(outputs_of(small)[0] - outputs_of(exact)[0]).max() > 0.01


# ---------------------------------------------------------------- groups


def alike(groups: Groups, *names: str) -> bool:
    """Whether values have the same groups, channel by channel."""
    return len({tuple(groups.of[name].tolist()) for name in names}) == 1


def test_channels_of_a_sum_are_one_group() -> None:
    groups = find(sketched("residual"))
    assert alike(groups, "conv2d0", "relu1", "conv2d4", "add5", "relu6")
    assert alike(groups, "conv2d9", "conv2d10", "add11", "avgpool2d13")
    inside = [set(groups.of[name].tolist()) for name in ("conv2d0", "conv2d2", "conv2d7")]
    assert not inside[0] & inside[1] | inside[1] & inside[2] | inside[0] & inside[2]


def test_a_grouped_layer_ties_what_each_of_its_groups_reads_and_makes() -> None:
    groups = find(sketched("shuffled"))
    first = groups.of["conv2d0"]
    assert [first[i] for i in (0, 4, 8)] == sorted(set(first.tolist()))
    assert groups.of["conv2d2"].tolist() == first[[0, 0, 4, 4, 8, 8]].tolist()
    assert groups.of["conv2d5"].tolist() == groups.of["conv2d2"][[0, 2, 4, 1, 3, 5]].tolist()


def test_a_depthwise_layer_goes_with_what_it_reads() -> None:
    groups = find(sketched("separable"))
    assert alike(groups, "conv2d0", "conv2d2")
    assert groups.of["conv2d6"].tolist() == np.repeat(groups.of["conv2d4"], 2).tolist()


def test_channels_are_followed_through_joins_slices_and_vectors() -> None:
    groups = find(sketched("moving"))
    made = groups.of["conv2d4"].tolist()
    assert groups.of["concat10"].tolist() == [*made[:3:-1], *made[:4]]
    assert alike(groups, "convtranspose2d14", "add16", "conv2d11")
    vector = find(sketched("heads"))
    assert vector.of["flatten12"].tolist() == vector.of["conv2d10"].tolist() * 36


def test_what_cannot_be_followed_is_one_group_and_stays() -> None:
    graph = sketched("whole")
    groups = find(graph)
    assert len(set(groups.of["conv2d0"].tolist())) == 1
    with refuses(
        "net: a share of 0.9 removes no channel; "
        "use a larger share, or a smaller minimum or multiple"
    ):
        prune(graph, settings(method="filter_l1", share=0.9))


@pytest.mark.parametrize("name", BOUND)
def test_a_network_without_a_channel_to_remove_is_refused(name: str) -> None:
    with refuses(
        "net: no channel can be removed; those of inputs, outputs and kept layers stay; "
        "use method: magnitude"
    ):
        prune(sketched(name), settings(method="channel"))


def test_every_operator_says_what_it_does_with_channels() -> None:
    mixing = {ops.Softmax, ops.ArgMax}
    layers = {ops.Conv2d, ops.ConvTranspose2d, ops.Linear}
    assert {*APART, *MOVING, *mixing, *layers} == set(OPS)
    assert len(OPS) == len(APART) + len(MOVING) + len(mixing) + len(layers)


@dataclass(frozen=True)
class Unknown:
    """An operator that pruning has never seen: the mean over all channels, and back."""

    def shape(self, node: str, source: Shape) -> Shape:
        return source

    def run(self, x: FloatArray) -> FloatArray:
        return x - x.mean(axis=-1, keepdims=True)

    def lower(self, builder: object, node: str, x: object) -> object:
        raise NotImplementedError


def test_an_unknown_operator_keeps_what_it_reads_and_makes() -> None:
    sketch = Sketch(np.random.default_rng(0))
    x = sketch.conv(sketch.input((4, 4, 1)), 5)
    y = sketch.add(Unknown(), sketch.conv(x, 6))
    graph = graph_of(sketch, (sketch.linear(y, 3),))
    small = prune(graph, settings(method="filter_l1", share=0.4))
    assert filters(small) == {"conv2d0": 3, "conv2d2": 6, "linear6": 3}


def test_filters_of_outputs_stay() -> None:
    small = filters(prune(sketched("heads"), settings(method="filter_l1")))
    assert (small["conv2d7"], small["conv2d9"], small["linear13"]) == (3, 4, 3)


# ---------------------------------------------------------------- selection


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
    assert sorted(words) == sorted(("none", "magnitude", "nm", *CRITERIA))


def test_a_silent_layer_scores_zero() -> None:
    graph = rows((0, 0, 0), (1, 1))
    groups = find(graph)
    found = scores(graph, groups, CRITERIA["filter_l1"])
    assert [found[g] for g in groups.of["conv2d0"].tolist()] == [0, 0, 0]


# ---------------------------------------------------------------- what comes with a layer


def test_an_affine_map_goes_with_its_layer() -> None:
    """It is folded first: a filter is judged and removed with its normalization."""
    affine = ops.Affine(Array(np.array([1.0, 0.1, 1.0])), Array(np.array([5.0, 6.0, 7.0])))
    graph = chain(row(2, 3, 1), affine, row(1, 1, inputs=3), source=GraphInput((2, 2, 1)))
    small = prune(graph, settings(method="filter_l1", share=0.3))
    assert [node.name for node in small.nodes] == ["conv2d0", "conv2d2"]
    assert small.nodes[0].op.bias.data.tolist() == [5, 9]  # type: ignore[attr-defined]


def test_imported_integers_are_removed_exactly() -> None:
    """The integers of the smaller network are those of the old one with silent filters."""
    compared = 0
    for seed in range(40):
        graph = fold_affines(qdq_graphs.random_graph(seed))
        rng, groups = np.random.default_rng(seed), find(graph)
        gone = any_of(graph, groups, rng)
        if gone:
            x = rng.integers(-128, 128, (8, *graph.inputs[0].shape))
            small, silent = (
                golden.run(quantize(g, None, Config()).qgraph, x)
                for g in (shrunk(graph, groups, gone), silenced(graph, groups, gone))
            )
            assert np.array_equal(small, silent), seed
            compared += 1
    assert compared > 10
