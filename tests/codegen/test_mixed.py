"""Mixed precision without a network: the knapsack, candidates, what they cost."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import frames, small_network
from refusals import refuses

from shiftloom.codegen import boards, cost
from shiftloom.codegen.config import Config, parse
from shiftloom.codegen.dataflows import registry
from shiftloom.codegen.mixed import candidates, costs
from shiftloom.codegen.mixed.assignment import Front, Reals
from shiftloom.codegen.mixed.candidates import PHI, assigned
from shiftloom.codegen.quantize import Quantized, quantize, weight_traffic

TABLES = st.tuples(st.integers(1, 5), st.integers(1, 4)).flatmap(
    lambda size: st.lists(
        st.lists(
            st.tuples(st.integers(0, 12), st.integers(-3, 12)),
            min_size=size[1],
            max_size=size[1],
        ),
        min_size=size[0],
        max_size=size[0],
    )
)
"""Rows of layers with (cost, damage) of every candidate."""


def split(table: list[list[tuple[int, int]]]) -> tuple[Reals, Reals]:
    array = np.array(table, dtype=np.float64)
    return array[:, :, 0], array[:, :, 1]


@given(TABLES, st.integers(-1, 50))
def test_knapsack_is_that_of_brute_force(table: list[list[tuple[int, int]]], budget: int) -> None:
    found = Front(*split(table)).within(budget)
    sums = [
        (sum(damage for _, damage in row), sum(cost for cost, _ in row))
        for row in itertools.product(*table)
    ]
    within = [(damage, cost) for damage, cost in sums if cost <= budget]
    if not within:
        assert found is None
        return
    assert found is not None
    assert (found.damage, found.cost) == min(within)
    picked = [row[pick] for row, pick in zip(table, found.picks, strict=True)]
    assert sum(cost for cost, _ in picked) == found.cost
    assert sum(damage for _, damage in picked) == found.damage


@given(TABLES)
def test_front_reaches_from_the_cheapest_to_the_best(table: list[list[tuple[int, int]]]) -> None:
    front = Front(*split(table))
    assert front.least == sum(min(cost for cost, _ in row) for row in table)
    best = front.within(front.most)
    assert best is not None
    assert best.damage == sum(min(damage for _, damage in row) for row in table)
    assert best == front.within(np.inf)


def test_candidates_are_named_by_what_tells_them_apart(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("candidates:\n- {format: qsq, phi: 1}\n- {format: qsq, activation_bits: 4}\n")
    assert [c.name for c in candidates.load(path)] == ["phi 1", "activation_bits 4"]
    assert [c.name for c in PHI] == ["phi 1", "phi 2", "phi 4"]
    both = candidates.checked([{}, {"phi": 2}], "two")
    assert [c.name for c in both] == ["as it is", "phi 2"]


NO_LIST = "is no list of candidates; write candidates: [{phi: 1}, {phi: 4}]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {phi: 1}", "is no list of candidates; write candidates: [{phi: 1}, {phi: 4}]"),
        (
            "candidates: {phi: 1}",
            "is no list of candidates; write candidates: [{phi: 1}, {phi: 4}]",
        ),
        ("candidates: []", "holds no candidate; give at least one"),
        (
            "candidates: [{phi: 1}, {phi: 3}]",
            "candidate 2: defaults.phi: 3; input should be 1, 2 or 4",
        ),
        ("candidates: [1]", "candidate 1: defaults: holds a int; write key: value pairs"),
        (
            "candidates: [{phi: 1}, {phi: 2}, {phi: 1}]",
            "candidate 3: is candidate 1 again; leave one out",
        ),
    ],
)
def test_wrong_candidates(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with refuses(f"{path}: {message}"):
        candidates.load(path)


def test_candidates_are_put_over_the_settings_of_a_layer() -> None:
    settings = {"defaults": {"m_bits": 9}, "layers": {"a": {"phi": 2, "pe": "shift"}, "b": {}}}
    made = assigned(settings, {"a": PHI[0], "c": PHI[2]})
    assert made == {
        "defaults": {"m_bits": 9},
        "layers": {
            "a": {"format": "qsq", "phi": 1, "pe": "shift"},
            "b": {},
            "c": {"format": "qsq", "phi": 4},
        },
    }
    assert settings["layers"]["a"] == {"phi": 2, "pe": "shift"}


@pytest.fixture(scope="module")
def network() -> tuple[Quantized, Config]:
    config = parse({"target": {"fps": 20000}, "layers": {"conv2d3": {"phi": 1}}})
    x = frames(np.random.default_rng(1), (12, 12, 1))
    return quantize(small_network(), x, config), config


def test_bits_and_energy_are_those_of_the_paper(network: tuple[Quantized, Config]) -> None:
    quantized, config = network
    bits = costs.BITS.measure(quantized.qgraph, config)
    assert bits == {
        "conv2d0": 3 * 4 * 9 + 32 * 4,
        "conv2d3": 2 * 8 * 4 * 9 + 32 * 8,
        "linear6": 3 * 128 * 10 * 4 // 4 + 32 * 10,
    }
    traffic = weight_traffic(quantized.qgraph)
    assert sum(bits.values()) == traffic.quantized_bits
    energy = costs.ENERGY.measure(quantized.qgraph, config)
    assert sum(energy.values()) == pytest.approx(1000 * traffic.energy_nanojoule())


def test_luts_of_layers_are_those_of_the_plan(network: tuple[Quantized, Config]) -> None:
    quantized, config = network
    found = costs.LUTS.measure(quantized.qgraph, config)
    board = boards.get(config.target.board)
    _, units = registry.get("streaming").schedule(quantized.qgraph, config, board)
    assert sum(found.values()) == pytest.approx(cost.total(units).lut)
    assert {"conv2d0", "conv2d3", "linear6"} <= {name for name, lut in found.items() if lut > 0}


def test_marginal_costs_are_what_one_layer_adds() -> None:
    totals = np.array([[10.0, 13], [10, 9]])
    made = costs.marginal({"a": 2, "b": 5, "x": 3}, totals, ["b", "a"])
    assert made.layers.tolist() == [[5, 8], [2, 1]]
    assert made.rest == 3


def test_what_is_around_the_layers_is_taken_where_it_costs_most() -> None:
    made = costs.tabulated([{"a": 1, "b": 2, "x": 5}, {"a": 3, "b": 4, "x": 1, "y": 9}], ["b", "a"])
    assert made.layers.tolist() == [[2, 4], [1, 3]]
    assert made.rest == 10
