"""The survey of a network: what its layers hold, and which PE their costs are of."""

from __future__ import annotations

import pytest
from graph_nets import frames
from pruning_nets import settings, sketched

from shiftloom.codegen import boards
from shiftloom.codegen.config import Config
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.pruning import prune
from shiftloom.codegen.pruning.savings import Survey, survey
from shiftloom.codegen.quantize import quantize

BOARD = boards.get("pynq-z2")


def surveyed(graph: Graph, config: Config) -> Survey:
    return survey(quantize(graph, frames(graph, 8, 0), config), config, BOARD)


@pytest.mark.parametrize("name", ["shuffled", "moving"])
def test_every_layer_is_surveyed(name: str) -> None:
    graph = sketched(name)
    found = surveyed(graph, Config())
    shapes = graph.shapes()
    weights = {n.name: n.op.weights.data for n in graph.nodes if hasattr(n.op, "weights")}
    assert [row.layer for row in found.layers] == list(weights)
    for row in found.layers:
        height, width, filters = shapes[row.layer]
        assert (row.filters, row.weights, row.zeros) == (filters, weights[row.layer].size, 0)
        assert row.products == height * width * row.weights
        assert row.lut is not None
        assert (row.adders is None) == (row.burnt_in is None)
    assert found.weights == sum(w.size for w in weights.values())
    assert found.products == sum(row.products for row in found.layers)
    assert found.plan is not None


def test_grouped_layers_have_no_adder_network_of_their_own() -> None:
    rows = {row.layer: row for row in surveyed(sketched("shuffled"), Config()).layers}
    assert rows["conv2d5"].pe.startswith("dw_")
    assert rows["conv2d2"].pe.startswith("mvu_")
    assert [rows[name].adders is None for name in ("conv2d5", "conv2d2", "conv2d0")] == [1, 1, 0]


def test_a_smaller_network_has_a_cheaper_plan() -> None:
    config = settings(method="filter_l1", share=0.5, multiple=2)
    graph = sketched("residual")
    before, after = surveyed(graph, config), surveyed(prune(graph, config), config)
    assert before.plan is not None
    assert after.plan is not None
    assert after.weights < 0.5 * before.weights
    assert after.plan.resources.lut < before.plan.resources.lut
