"""Activation ranges: each method on known values, seeds, and data that calibrates nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from networks import chain, conv, frames
from refusals import refuses

from shiftloom.codegen import calibration
from shiftloom.codegen.calibration import Method, Observation, full_scale, observe
from shiftloom.codegen.config import CalibrationConfig, Config
from shiftloom.codegen.graph import Graph, GraphInput, Node
from shiftloom.codegen.ops import Add, Conv2d, Flatten, MaxPool2d, Relu
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.values import Array, FloatArray, IntType
from shiftloom.codegen.windows import Window

SOURCE = GraphInput((4, 4, 1))
UINT8, INT4 = IntType(8, False), IntType(4, True)


def seen(values: FloatArray) -> Observation:
    return Observation(float(np.abs(values).max()), values)


def scale(
    values: npt.ArrayLike, method: Method, out: IntType = UINT8, percentile: float = 99
) -> float:
    return full_scale("relu", seen(np.asarray(values, np.float32)), out, method, percentile)


def test_maximum_takes_the_extreme_magnitude() -> None:
    assert scale(np.array([-3.0, 2.0]), "max") == 3.0


def test_percentile_ignores_outliers() -> None:
    values = np.append(np.linspace(0, 1, 1001), 50.0)
    assert scale(values, "percentile", percentile=100) == 50.0
    assert scale(values, "percentile", percentile=99) == pytest.approx(0.99, abs=0.01)


def test_least_squares_clips_a_few_outliers_only_where_steps_are_coarse() -> None:
    values = np.append(np.abs(np.random.default_rng(0).normal(size=100_000)), 12.0)
    assert scale(values, "mse", IntType(2, False)) < 0.5 * scale(values, "mse", UINT8)
    assert scale(np.array([3.0, -3.0]), "mse", INT4) == 3.0


@pytest.mark.parametrize("out", [UINT8, INT4, IntType(2, True)])
def test_least_squares_is_no_worse_than_the_maximum(out: IntType) -> None:
    values = np.random.default_rng(0).normal(size=20_000).astype(np.float32)
    values = np.maximum(values, 0) if not out.signed else values

    def error(top: float) -> float:
        step = top / out.hi
        rounded = np.clip(np.rint(values / step), out.lo, out.hi) * step
        return float(((values - rounded) ** 2).mean())

    assert error(scale(values, "mse", out)) <= error(scale(values, "max", out))


@pytest.mark.parametrize("method", ["max", "percentile", "mse"])
def test_constant_activations(method: Method) -> None:
    assert scale(np.full(50, 5.0), method) == pytest.approx(5.0)
    assert scale(np.zeros(50), method) == 1.0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_activations_that_are_not_finite_are_refused(value: float) -> None:
    with refuses("relu: activations are not finite; check the model and its input"):
        scale(np.array([1.0, value]), "max")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_seen_in_any_block(
    value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "_BLOCK", 2)
    weights = np.full((1, 1, 1, 1), value, dtype=np.float32)
    layer = Conv2d(Array(weights), Array(np.zeros(1, np.float32)), Window((1, 1)))
    graph = chain(layer, Flatten(), source=SOURCE)
    x = np.ones((6, 4, 4, 1), dtype=np.uint8)
    assert not np.isfinite(observe(graph, x)["conv2d0"].magnitude)


def test_one_frame_is_enough() -> None:
    rng = np.random.default_rng(0)
    graph = chain(conv(rng, (1, 2)), Relu(), conv(rng, (2, 2), (2, 2)), source=SOURCE)
    methods: tuple[Method, ...] = ("max", "percentile", "mse")
    for method in methods:
        config = Config(calibration=CalibrationConfig(method))
        quantize(graph, frames(rng, SOURCE.shape, 1), config)


def test_observations_hold_the_extremes_and_a_seeded_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calibration, "_BLOCK", 3)
    monkeypatch.setattr(calibration, "_SAMPLES", 64)
    x = frames(np.random.default_rng(0), SOURCE.shape, 10)
    graph = chain(Relu(), source=SOURCE)
    first, again, other = observe(graph, x, 1), observe(graph, x, 1), observe(graph, x, 2)
    assert first["relu0"].magnitude == 255.0
    assert first["relu0"].sample.size == 4 * 16
    assert np.array_equal(first["relu0"].sample, again["relu0"].sample)
    assert not np.array_equal(first["relu0"].sample, other["relu0"].sample)
    assert set(first) == {"input", "relu0"}


def test_only_the_configured_number_of_frames_is_used() -> None:
    rng = np.random.default_rng(0)
    graph = chain(conv(rng, (1, 2)), Relu(), conv(rng, (2, 2), (2, 2)), source=SOURCE)
    x = frames(rng, SOURCE.shape, 8)
    config = Config(calibration=CalibrationConfig(frames=3))
    assert quantize(graph, x, config) == quantize(graph, x[:3], config)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((0, 4, 4, 1), np.uint8), "no frames were given; give at least one"),
        (
            np.zeros((2, 1, 4, 4), np.uint8),
            "frames are uint8 of shape (2, 1, 4, 4); give the sensor's integers, [N, 4, 4, 1]",
        ),
        (
            np.zeros((4, 4, 1), np.uint8),
            "frames are uint8 of shape (4, 4, 1); give the sensor's integers, [N, 4, 4, 1]",
        ),
        (
            np.zeros((2, 4, 4, 1)),
            "frames are float64 of shape (2, 4, 4, 1); give the sensor's integers, [N, 4, 4, 1]",
        ),
        (
            np.full((2, 4, 4, 1), 300),
            "values 300 to 300 of 'input'; uint8 holds 0 to 255",
        ),
    ],
)
def test_frames_that_do_not_fit_are_refused(x: np.ndarray, message: str) -> None:
    with refuses(f"calibration: {message}"):
        observe(chain(Relu(), source=SOURCE), x)


def test_values_without_a_range_are_refused_by_name() -> None:
    layer = conv(np.random.default_rng(0), (1, 1))
    pooled = chain(layer, MaxPool2d(Window((2, 2))), layer, source=replace(SOURCE, shape=(9, 9, 1)))
    with refuses(
        "maxpool2d1: has no quantizer and no range; give calibration frames, or quantize it"
    ):
        quantize(pooled, None, Config())


def test_several_inputs_are_observed_by_name() -> None:
    other = replace(SOURCE, name="second")
    graph = Graph("net", (SOURCE, other), (Node("sum", Add(), ("input", "second")),), ("sum",))
    x = np.ones((3, 4, 4, 1), dtype=np.uint8)
    assert observe(graph, {"input": x, "second": 2 * x})["sum"].magnitude == 3.0
    with refuses("second: has no frames; give arrays for input, second"):
        observe(graph, {"input": x})
    with refuses("calibration: no frames were given; give at least one"):
        observe(graph, {"input": x, "second": x[:0]})


def test_the_scale_of_a_sign_is_the_mean_magnitude() -> None:
    assert calibration.sign_scale("x", seen(np.array([1.0, -3.0], np.float32))) == 2.0
    assert calibration.sign_scale("x", seen(np.zeros(4, np.float32))) == 1.0
    with refuses("x: activations are not finite; check the model and its input"):
        calibration.sign_scale("x", seen(np.array([np.nan], np.float32)))
