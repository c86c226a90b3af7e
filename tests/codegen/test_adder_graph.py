"""Constant matrix products: the network equals the matrix, its ranges hold, and it is checked."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refuses

from shiftloom.codegen import adder_graph
from shiftloom.codegen.adder_graph import TILE_INPUTS, TILE_OUTPUTS, AdderGraph, Term, build
from shiftloom.codegen.values import IntArray

LEVELS = np.array([0, 1, -1, 2, -2, 4, -4])


def assert_exact(kernel: IntArray, lo: int, hi: int) -> AdderGraph:
    """The graph's products are NumPy's, and every adder stays inside its declared range."""
    graph = build("fc", kernel, lo, hi)
    rng = np.random.default_rng(0)
    x = rng.integers(lo, hi, (20, kernel.shape[0]), endpoint=True)
    x = np.concatenate([x, np.where(rng.random((20, kernel.shape[0])) < 0.5, lo, hi)])
    assert np.array_equal(graph.run(x), x @ kernel)
    values = [*x.T]
    for adder in graph.adders:
        left, right = (
            (-1 if term.negative else 1) * (values[term.index] << term.shift)
            for term in (adder.left, adder.right)
        )
        assert min(adder.left.shift, adder.right.shift) == 0
        assert not adder.left.negative
        values.append(left + right)
        assert adder.lo <= values[-1].min()
        assert values[-1].max() <= adder.hi
    assert all(term is None or term.shift >= 0 for term in graph.outputs)
    return graph


@settings(max_examples=25)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 8)),
    seed=st.integers(0, 1000),
    zeros=st.sampled_from([0.1, 0.5, 0.95]),
    span=st.sampled_from([(0, 255), (-128, 127), (0, 1), (-8, 7)]),
)
def test_random_matrices(
    shape: tuple[int, int], seed: int, zeros: float, span: tuple[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    kernel = rng.choice(LEVELS, shape) * (rng.random(shape) > zeros)
    assert_exact(kernel, *span)


@pytest.mark.parametrize(
    "kernel",
    [
        np.zeros((3, 2), dtype=np.int64),
        np.array([[1]]),
        np.array([[-4]]),
        np.array([[0, 0, 0], [1, -2, 4], [0, 0, 0]]),
        np.array([[1, 0, -1], [2, 0, -2], [4, 0, -4]]),
        -np.array([[1, 2], [4, 1], [2, 4]]),
        np.array([[4, 4], [4, -4]]),
        np.array([[2, 2, 1], [2, 2, 1]]),
        np.array([[100, -37], [255, 19]]),
    ],
)
def test_zero_rows_zero_columns_signs_and_common_shifts(kernel: IntArray) -> None:
    assert_exact(kernel, 0, 255)


@pytest.mark.parametrize(
    "shape", [(TILE_INPUTS + 3, 5), (5, TILE_OUTPUTS + 3), (TILE_INPUTS * 2 + 1, TILE_OUTPUTS + 1)]
)
def test_matrices_over_several_tiles(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    kernel = rng.choice(LEVELS, shape) * (rng.random(shape) > 0.7)
    kernel[:TILE_INPUTS, : min(4, shape[1])] = 0
    assert_exact(kernel, 0, 255)


def test_sharing_saves_adders() -> None:
    column = np.random.default_rng(0).choice(LEVELS[1:], (12, 1))
    assert len(build("fc", np.repeat(column, 6, axis=1), 0, 255).adders) == 11


def test_depth_counts_adders_on_the_longest_path() -> None:
    assert build("fc", np.ones((8, 1), dtype=np.int64), 0, 1).depth == 3
    assert build("fc", np.array([[4, -1]]), 0, 1).depth == 0


def test_the_same_matrix_gives_the_same_network() -> None:
    kernel = np.random.default_rng(3).choice(LEVELS, (10, 6))
    assert build("fc", kernel, 0, 255) == build("fc", kernel, 0, 255)


def test_a_wrong_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(builder: object, kernel: IntArray, row: int, lo: int, hi: int) -> list[Term | None]:
        return [Term(0, 1)] * kernel.shape[1]

    monkeypatch.setattr(adder_graph, "_tile", wrong)
    with refuses("fc: the constant multiplication network is wrong; use pe: shift"):
        build("fc", np.array([[1, 2]]), 0, 255)


def test_an_opcode_that_is_no_addition_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = SimpleNamespace(opcode=6, id0=0, id1=0, data=0)
    stage = SimpleNamespace(ops=[operation])
    monkeypatch.setattr(adder_graph, "solve", lambda *_, **__: SimpleNamespace(solutions=[stage]))
    with refuses("da4ml: opcode 6 in a constant product; use pe: shift"):
        build("fc", np.array([[1, 2]]), 0, 255)
