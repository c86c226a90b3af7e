"""Channels removed: the smaller network equals the old one with silent filters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import qdq_graphs
from graph_nets import SKETCHES
from pruning_nets import (
    NETS,
    any_of,
    assert_same,
    filters,
    graph_of,
    outputs_of,
    settings,
    silenced,
    sketched,
)
from random_graphs import random_graph
from sketches import Sketch

from shiftloom.codegen import golden
from shiftloom.codegen.config import Config
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.ops.fold import fold_affines
from shiftloom.codegen.pruning.criteria import CRITERIA, scores
from shiftloom.codegen.pruning.groups import Groups, find
from shiftloom.codegen.pruning.selection import chosen
from shiftloom.codegen.pruning.shrink import shrunk
from shiftloom.codegen.quantize import quantize

FIXED = ("single", "two_outputs", "resized", "whole")
ALL = sorted(name for name in SKETCHES | NETS if name not in FIXED)
"""Networks with channels that can be removed."""


def removed(graph: Graph, **keys: object) -> tuple[Groups, frozenset[int]]:
    """The groups of a graph, and those that a configuration removes by its L1 norms."""
    how = settings(method="filter_l1", **keys).pruning
    groups = find(graph, how.keep)
    return groups, chosen(graph, groups, scores(graph, groups, CRITERIA["filter_l1"]), how)


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


def test_enough_channels_stay_everywhere_in_random_graphs() -> None:
    lost = 0
    for seed in range(80):
        sketch = Sketch(np.random.default_rng(seed))
        graph = graph_of(sketch, random_graph(sketch))
        groups, minimum, multiple = find(graph), 1 + seed % 3, 1 + seed % 4
        gone = any_of(graph, groups, np.random.default_rng(seed), minimum, multiple)
        small = shrunk(graph, groups, gone)
        before, after = graph.shapes(), small.shapes()
        assert all(after[n][2] >= min(minimum, before[n][2]) for n in before)
        for name, count in filters(small).items():
            assert count % multiple == 0 or count == before[name][2]
        lost += len(gone)
    assert lost > 40


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
