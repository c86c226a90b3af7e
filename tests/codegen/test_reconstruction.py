"""Quantizers of outputs: no worse than rounding, near enumeration, and they mend what they can."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from networks import chain, frames
from refusals import refuses

from shiftloom.codegen.config import Config, parse
from shiftloom.codegen.formats import Qsq
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.ops import Conv2d, ConvTranspose2d, Flatten, Linear, Relu
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.quantizers import adaround, calibrated, qsq
from shiftloom.codegen.reconstruction import is_wanted, reconstruct
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window

LEVELS = (-4, -2, -1, 0, 1, 2, 4)
Reals = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int64]


def problem(seed: int, channels: int, terms: int) -> tuple[Reals, Reals]:
    """Random weights and the covariance of correlated inputs."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(200, terms)) @ random.normal(size=(terms, terms))
    return random.normal(size=(channels, terms)), x.T @ x / 200 + 0.01 * np.eye(terms)


def error(w: Reals, h: Reals, beta: npt.NDArray[np.int64], alpha: Reals) -> Reals:
    """(w − αβ)ᵀ H (w − αβ) of each channel."""
    rest = w - alpha[:, None] * beta
    found: Reals = ((rest @ h) * rest).sum(axis=1)
    return found


def best_of_all(w: Reals, h: Reals) -> float:
    """The least error of one channel over all levels, each with its best α."""
    betas = np.array(list(product(LEVELS, repeat=w.size)), dtype=np.float64)
    seen = betas @ h
    norm = (seen * betas).sum(axis=1)
    dot = seen @ w
    gain = np.where(norm > 0, dot**2 / np.maximum(norm, 1e-12), 0)
    return float(w @ h @ w - gain.max())


@pytest.mark.parametrize("seed", range(6))
def test_levels_are_close_to_the_best_of_all(seed: int) -> None:
    w, h = problem(seed, 3, 5)
    start = qsq.quantize("sample", w.reshape(3, 1, 1, 5), Qsq(4, None, "output")).values.data
    beta, alpha = calibrated.fit(w, h, LEVELS, start.reshape(3, 5))
    best = np.array([best_of_all(row, h) for row in w])
    assert set(beta.ravel()) <= set(LEVELS)
    assert (alpha > 0).all()
    assert error(w, h, beta, alpha).sum() <= 2.1 * best.sum()
    assert error(w, h, beta, alpha).sum() >= 0.999 * best.sum()


def test_weights_on_the_grid_are_kept() -> None:
    random = np.random.default_rng(0)
    beta = random.choice(LEVELS, (4, 12))
    _, h = problem(0, 1, 12)
    found, alpha = calibrated.fit(0.25 * beta, h, LEVELS, beta)
    assert (found == beta).all()
    assert alpha == pytest.approx(np.full(4, 0.25))


def test_held_levels_stay_and_the_others_make_up_for_them() -> None:
    random = np.random.default_rng(0)
    w, h = problem(0, 4, 24)
    held = random.random(w.shape) < 0.5
    rounded = qsq.quantize("sample", (w * ~held).reshape(4, 1, 1, 24), Qsq(4, None, "output"))
    start = rounded.values.data.reshape(4, 24)
    beta, alpha = calibrated.fit(w, h, LEVELS, start, held)
    assert not beta[held].any()
    assert (beta != start).any()
    assert (error(w, h, beta, alpha) <= error(w, h, start, rounded.alpha)).all()


@pytest.mark.parametrize("seed", range(6))
def test_rounding_is_close_to_the_best_of_both_neighbours(seed: int) -> None:
    w, h = problem(seed, 3, 8)
    scale = np.broadcast_to(np.abs(w).max(axis=1, keepdims=True) / 4, w.shape)
    beta = adaround.fit(w, h, LEVELS, scale)
    grid = np.array(LEVELS)
    below = np.searchsorted(grid, w / scale, side="right") - 1
    low = grid[np.maximum(below, 0)]
    high = grid[np.minimum(below + 1, len(grid) - 1)]
    assert ((beta == low) | (beta == high)).all()
    nearest = np.where(w / scale > (low + high) / 2, high, low)
    alpha = scale[:, 0]
    found, rounded = error(w, h, beta, alpha), error(w, h, nearest, alpha)
    assert (found <= rounded).all()
    best = sum(best_rounding(w, h, low, high, alpha))
    assert best * 0.999 <= found.sum() <= 2 * best


def best_rounding(w: Reals, h: Reals, low: Levels, high: Levels, alpha: Reals) -> list[float]:
    """The least error of each channel over all choices of one of the two levels."""
    choices = np.array(list(product((0, 1), repeat=w.shape[1])))
    found = []
    for row, one, other, a in zip(w, low, high, alpha, strict=True):
        rest = row - a * np.where(choices, other, one)
        found.append(float(((rest @ h) * rest).sum(axis=1).min()))
    return found


@pytest.mark.parametrize("levels", [(-1, 1), (-7, 0, 5), LEVELS])
def test_rounding_keeps_weights_on_the_grid_and_beyond_its_ends(levels: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    beta = random.choice(levels, (4, 12))
    _, h = problem(0, 1, 12)
    assert (adaround.fit(0.25 * beta, h, levels, np.full((4, 12), 0.25)) == beta).all()
    ends = np.where(beta > 0, levels[-1], levels[0])
    assert (adaround.fit(3.0 * ends, h, levels, np.ones((4, 12))) == ends).all()


def network(seed: int = 0) -> Graph:
    """Three layers with weights that 3 bits hold badly."""
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> Array:
        fan_in = np.prod(shape[1:])
        return Array((random.normal(size=shape) * (2 / fan_in) ** 0.5).astype(np.float32))

    def bias(count: int) -> Array:
        return Array(random.normal(0, 0.1, count).astype(np.float32))

    return chain(
        Conv2d(normal(8, 3, 3, 2), bias(8), Window((3, 3), padding=(1, 1))),
        Relu(),
        Conv2d(normal(8, 3, 3, 1), bias(8), Window((3, 3), (2, 2), (1, 1)), groups=8),
        Relu(),
        Flatten(),
        Linear(normal(10, 128), bias(10)),
        source=GraphInput((8, 8, 2), 8, 1 / 255, 0),
    )


def deviation(graph: Graph, config: Config, seed: int) -> float:
    """How far the quantized layers move the outputs on frames of another seed, relative."""
    random = np.random.default_rng(100 + seed)
    calibration, test = (frames(random, graph.inputs[0].shape, n) for n in (256, 64))
    exact = graph.run(test)["output"]
    fitted = reconstruct(graph, {"input": calibration}, config)
    now = fitted.applied(graph).run(test)["output"]
    return float(((now - exact) ** 2).mean() / exact.var(axis=0).mean())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("quantizer", ["calibrated", "adaround"])
def test_outputs_move_less_than_with_nearest_levels(quantizer: str, seed: int) -> None:
    graph = network(seed)
    nearest = deviation(graph, parse({}), seed)
    fitted = deviation(graph, parse({"defaults": {"quantizer": quantizer}}), seed)
    assert fitted < 0.6 * nearest


@pytest.mark.parametrize("quantizer", ["calibrated", "adaround"])
def test_transposed_convolutions_are_fitted_too(quantizer: str) -> None:
    random = np.random.default_rng(0)
    weights = Array(random.normal(0, 0.3, (4, 3, 3, 6)).astype(np.float32))
    layer = ConvTranspose2d(weights, Array(np.zeros(4, np.float32)), Window((3, 3), (2, 2), (1, 1)))
    graph = chain(layer, source=GraphInput((6, 6, 6), 8, 1 / 255))
    fitted = deviation(graph, parse({"defaults": {"quantizer": quantizer}}), 0)
    assert fitted < 0.9 * deviation(graph, parse({}), 0)


def test_rounding_takes_scales_of_short_vectors() -> None:
    entry = {"vector": 3, "axis": "channel", "phi": 1}
    nearest = deviation(network(), parse({"defaults": entry}), 0)
    fitted = deviation(network(), parse({"defaults": {**entry, "quantizer": "adaround"}}), 0)
    assert fitted < 0.8 * nearest


def test_integer_network_has_the_fitted_weights() -> None:
    graph, config = network(), parse({"defaults": {"quantizer": "calibrated"}})
    x = frames(np.random.default_rng(1), graph.inputs[0].shape, 32)
    quantized = quantize(graph, x, config)
    fitted = reconstruct(graph, {"input": x}, config).weights
    found = {node.name: node.unit.codes for node in quantized.qgraph.nodes if node.name in fitted}
    assert found == fitted
    assert quantized.graph == graph


def test_only_layers_that_ask_for_it_are_fitted() -> None:
    graph = network()
    assert not is_wanted(graph, parse({}))
    config = parse({"layers": {"linear5": {"quantizer": "calibrated"}}})
    assert is_wanted(graph, config)
    x = {"input": frames(np.random.default_rng(1), graph.inputs[0].shape, 32)}
    plain, fitted = (reconstruct(graph, x, c).weights for c in (parse({}), config))
    assert plain["conv2d0"] == fitted["conv2d0"]
    assert plain["linear5"] != fitted["linear5"]


@pytest.mark.parametrize(
    ("settings", "layer", "count"),
    [
        (
            {"vector": 3},
            Conv2d(Array(np.ones((8, 3, 3, 2))), Array(np.ones(8)), Window((3, 3))),
            48,
        ),
        ({"axis": "filter"}, Linear(Array(np.eye(8)), Array(np.ones(8))), 8),
        (
            {"format": "int", "granularity": "tensor"},
            Linear(Array(np.eye(8)), Array(np.ones(8))),
            1,
        ),
    ],
    ids=["short", "across", "tensor"],
)
def test_scales_that_are_not_one_a_channel_are_refused(
    settings: dict[str, object], layer: Conv2d | Linear, count: int
) -> None:
    config = parse({"defaults": {"quantizer": "calibrated", **settings}})
    shape = (8, 8, 2) if isinstance(layer, Conv2d) else (1, 1, 8)
    graph = chain(layer, source=GraphInput(shape, 8, 1 / 255))
    x = {"input": frames(np.random.default_rng(1), shape)}
    with refuses(
        f"{graph.nodes[0].name}: {count} scales are not one for each of 8 output channels; "
        "the calibrated quantizer needs that; use adaround"
    ):
        reconstruct(graph, x, config)
