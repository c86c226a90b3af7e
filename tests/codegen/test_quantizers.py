"""Quantizers of every format but QSQ: their errors, their scales, what they refuse."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from refusals import refuses

from shiftloom.codegen.formats import FORMATS, Binary, Csd, Format, Given, Int, Pow2, Qsq, Ternary
from shiftloom.codegen.formats.given import GivenWeights
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers import QUANTIZERS, Options, given, quantize
from shiftloom.codegen.rationals import floats, rationals
from shiftloom.codegen.values import Array

OURS: tuple[Format, ...] = (Qsq(), Int(8), Int(4), Int(8, "tensor"), Pow2(4), Ternary(), Binary())
RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(6, 3, 3, 8)) * np.geomspace(0.5, 2, 6)[:, None, None, None]


def real(codes: QuantizedWeights) -> np.ndarray:
    shape = codes.values.data.shape
    return np.asarray(codes.values.data * codes.format.spread(codes.alpha, shape))


def error(codes: QuantizedWeights, weights: np.ndarray) -> float:
    """The share of the weights' energy that is lost."""
    return float(np.square(weights - real(codes)).sum() / np.square(weights).sum())


def test_every_format_but_the_given_one_has_a_quantizer() -> None:
    assert {kind for kind, _, _ in QUANTIZERS} == set(FORMATS) - {Given}


@pytest.mark.parametrize(
    ("fmt", "most"),
    [
        *((Qsq(), 0.06), (Int(8), 1e-4), (Int(4), 0.02), (Int(8, "tensor"), 4e-4)),
        *((Pow2(2), 0.22), (Pow2(3), 0.06), (Pow2(4), 0.04), (Pow2(5), 0.04)),
        *((Ternary(), 0.22), (Binary(), 0.4)),
    ],
)
def test_the_error_is_what_the_format_allows(fmt: Format, most: float) -> None:
    codes = quantize("conv", WEIGHTS, fmt, Options())
    assert error(codes, WEIGHTS) < most
    assert np.isin(codes.values.data, fmt.levels).all()
    assert (codes.mantissa.data > 0).all()
    assert codes.is_folded


def test_integers_are_symmetric_and_no_worse_than_the_maximum() -> None:
    for bits in (2, 3, 4, 8):
        codes = quantize("conv", WEIGHTS, Int(bits), Options(alpha_bits=24))
        top = (1 << (bits - 1)) - 1
        assert np.abs(codes.values.data).max() == top
        step = np.abs(WEIGHTS).max(axis=(1, 2, 3), keepdims=True) / top
        plain = np.square(WEIGHTS - np.rint(WEIGHTS / step) * step).sum()
        assert np.square(WEIGHTS - real(codes)).sum() <= plain * (1 + 1e-6)


def least_error(rows: np.ndarray, fmt: Format) -> float:
    """The optimum over every choice of symmetric levels, each with its best α ≥ 0; rows share α."""
    top = max(fmt.levels)
    levels = [level for level in fmt.levels if level >= -top]
    found = 0.0
    for vector in [rows.ravel()] if fmt == Int(3, "tensor") else rows:
        betas = np.array(list(product(levels, repeat=vector.size)), dtype=float)
        dot, norm = np.maximum(betas @ vector, 0), np.maximum((betas**2).sum(axis=1), 1)
        found += float(vector @ vector - (dot**2 / norm).max())
    return found


@pytest.mark.parametrize("length", [1, 2, 3, 4])
@pytest.mark.parametrize("fmt", [Int(2), Int(3), Int(4), Int(3, "tensor"), Csd(4, 1), Csd(5, 2)])
def test_integers_and_digits_of_tiny_vectors_are_the_optimum(fmt: Format, length: int) -> None:
    random = np.random.default_rng(length)
    for draw in (random.normal, random.standard_cauchy):
        for _ in range(8):
            rows = draw(size=(2 if length < 4 else 1, length))
            codes = quantize("fc", rows[:, None, None], fmt, Options(alpha_bits=24))
            lost = float(np.square(rows - codes.real[:, 0, 0]).sum())
            assert lost <= least_error(rows, fmt) + 1e-6 * float(np.square(rows).sum())


@pytest.mark.parametrize("fmt", [Int(2), Int(4), Int(8), Csd(8, 2), Csd(8, 3)])
def test_no_scale_of_a_fine_grid_is_better(fmt: Format) -> None:
    random, levels = np.random.default_rng(0), np.array(fmt.levels, dtype=float)
    levels = levels[levels >= -levels[-1]]
    edges = (levels[1:] + levels[:-1]) / 2
    for row in (random.normal(size=300), random.laplace(size=300), random.standard_cauchy(300)):
        codes = quantize("fc", row.reshape(1, 1, 1, -1), fmt, Options(alpha_bits=24))
        scales = np.geomspace(1e-3, 2.5, 2000)[:, None] * np.abs(row).max() / levels[-1]
        betas = levels[np.searchsorted(edges, row / scales)]
        gain = (betas @ row) ** 2 / np.maximum((betas**2).sum(axis=1), 1)
        assert np.square(row - codes.real.ravel()).sum() <= (row @ row - gain.max()) * (1 + 1e-5)


@pytest.mark.parametrize(
    ("fmt", "options", "most"),
    [
        (Int(8), Options(), 2e-4),
        (Int(8), Options("max"), 2e-4),
        (Int(8), Options(alpha_bits=4), 3e-3),
        (Csd(8, 2), Options(), 3e-3),
    ],
)
def test_levels_are_those_of_the_stored_scale(fmt: Format, options: Options, most: float) -> None:
    """Channels over four decades: the mantissas of the smallest have two bits or three."""
    weights = np.random.default_rng(0).normal(size=(9, 3, 3, 16))
    size = np.geomspace(1, 1e-4, 9) if options.alpha_bits == 16 else np.geomspace(1, 0.2, 9)
    codes = quantize("conv", weights * size[:, None, None, None], fmt, options)
    lost = np.square(weights - codes.real / size[:, None, None, None]).sum(axis=(1, 2, 3))
    assert lost.max() <= most * np.square(weights).sum(axis=(1, 2, 3)).mean()


@pytest.mark.parametrize(
    ("fmt", "options"),
    [(Qsq(), {"quantizer": "paper"}), (Ternary(), {}), (Binary(), {})],
)
def test_levels_of_thresholds_do_not_follow_the_scale(fmt: Format, options: Any) -> None:
    few, many = (quantize("c", WEIGHTS, fmt, Options(alpha_bits=b, **options)) for b in (2, 24))
    assert few.values == many.values
    assert few.mantissa != many.mantissa


@pytest.mark.parametrize("fmt", [Qsq(), Int(4), Int(8), Csd(8, 2), Pow2(4), Ternary()], ids=str)
def test_searched_bits_keep_every_channel(fmt: Format) -> None:
    """Channels over six decades; one that no mantissa holds asks for no more bits."""
    random = np.random.default_rng(0)
    weights = random.normal(size=(16, 4, 4, 8)) * np.geomspace(1, 1e-6, 16)[:, None, None, None]
    codes = quantize("conv", weights, fmt, Options(alpha_bits=None))
    energy = np.square(weights).sum(axis=(1, 2, 3))
    lost = np.square(weights - codes.real).sum(axis=(1, 2, 3)) / energy
    assert codes.values.data.any(axis=(1, 2, 3)).all()
    assert lost.max() <= 2.5 * np.median(lost) + 1e-3
    even = weights / np.sqrt(energy)[:, None, None, None]
    even[3] *= 1e-12
    dead = quantize("conv", even, fmt, Options(alpha_bits=None))
    assert dead.mantissa.data.max() < 1 << 12
    assert not dead.values.data[3].any()


def test_a_scale_below_the_mantissas_becomes_their_step_or_zeros() -> None:
    """The step of 8 bits is 1/128 here. In units of it the other channels are as said."""
    wide = [1.0, 2, 4, 4]
    rows = np.array([wide, [0, 0.2, 0.8, 0.9], [0, 0.1, 0.2, 0.4], [0, 0, 0, 0]])
    rows[1:] /= 128
    rows[1, 3] *= -1
    codes = quantize("fc", rows[:, None, None], Qsq(), Options(alpha_bits=8))
    assert codes.values.data[:, 0, 0].tolist() == [[1, 2, 4, 4], [0, 0, 1, -1], [0] * 4, [0] * 4]
    assert codes.mantissa.data.tolist() == [128, 1, 128, 128]
    paper = quantize("fc", rows[:, None, None], Qsq(), Options("paper", alpha_bits=8))
    assert not paper.values.data[1:].any()
    assert (paper.mantissa.data[1:] == paper.mantissa.data.max()).all()


def test_powers_keep_their_channels_within_two_octaves() -> None:
    """The multipliers of few bits want α of similar size in all channels."""
    equal = RNG.normal(size=(16, 3, 3, 8))
    for bits in (3, 4, 5):
        alpha = quantize("conv", equal, Pow2(bits), Options()).alpha
        assert alpha.max() / alpha.min() < 4


def test_ternary_follows_its_threshold() -> None:
    codes = quantize("conv", WEIGHTS, Ternary(), Options(alpha_bits=24))
    magnitude = np.abs(WEIGHTS.reshape(6, -1))
    above = magnitude > 0.7 * magnitude.mean(axis=1, keepdims=True)
    assert np.array_equal(codes.values.data.reshape(6, -1) != 0, above)
    expected = [row[kept].mean() for row, kept in zip(magnitude, above, strict=True)]
    assert np.allclose(codes.alpha, expected, rtol=1e-6)


def test_binary_is_the_sign_and_the_mean_magnitude() -> None:
    codes = quantize("conv", WEIGHTS, Binary(), Options(alpha_bits=24))
    assert np.array_equal(codes.values.data, np.where(WEIGHTS < 0, -1, 1))
    assert np.allclose(codes.alpha, np.abs(WEIGHTS).mean(axis=(1, 2, 3)), rtol=1e-6)


@pytest.mark.parametrize("fmt", OURS, ids=str)
def test_channels_of_zeros(fmt: Format) -> None:
    weights = WEIGHTS.copy()
    weights[1], weights[2] = 0, weights[2] * 1e-12
    codes = quantize("conv", weights, fmt, Options())
    assert (codes.alpha > 0).all()
    assert np.abs(real(codes)[1:3]).max() <= (0 if 0 in fmt.levels else codes.alpha.min() * 1.01)
    nothing = quantize("conv", weights * 0, fmt, Options())
    assert np.isfinite(nothing.alpha).all()
    assert (nothing.alpha > 0).all()


@pytest.mark.parametrize("fmt", OURS, ids=str)
@pytest.mark.filterwarnings("error")
def test_bad_weights_are_refused_and_large_ones_are_not(fmt: Format) -> None:
    weights = WEIGHTS.copy()
    weights[0, 0, 0, :2] = np.nan, np.inf
    with refuses("conv: 2 weights are not finite; train the network again"):
        quantize("conv", weights, fmt, Options())
    weights[0, 0, 0, :2] = 0, -1e30
    with refuses("conv: a weight of 1e+30; use at most 1.15e+18"):
        quantize("conv", weights, fmt, Options())
    large = quantize("conv", WEIGHTS * 1e15, fmt, Options())
    assert error(large, WEIGHTS * 1e15) < 0.4


def test_given_weights_keep_their_integers_and_exact_scales() -> None:
    values = RNG.integers(-128, 128, (4, 1, 1, 5))
    scale = RNG.uniform(1e-6, 1e-2, 4).astype(np.float32).astype(np.float64)
    codes = given.quantize("fc", GivenWeights(Array(values), Array(scale), 8, True))
    assert codes.format == Given(8)
    assert np.array_equal(codes.integers, values)
    assert codes.scale.tolist() == rationals(scale).tolist()
    single = given.quantize("fc", GivenWeights(Array(values), Array(scale[:1]), 8, True))
    assert single.format == Given(8, True, "tensor")
    assert floats(single.scale) == scale[0]


@pytest.mark.parametrize(
    ("values", "scale", "message"),
    [
        ([3], [0.5, 0.0], "fc: channel 1: weight scale 0.0; use a positive number"),
        ([3], [0.5, np.nan], "fc: channel 1: weight scale nan; use a positive number"),
        (
            [3],
            [1.0, 1e-30],
            "fc: weight scales from 1e-30 to 1 share no exponent; "
            "their mantissas may have 62 bits; check the model",
        ),
        ([128], [1.0], "given: 128 has no code; int8 holds -128 to 127"),
    ],
)
def test_given_weights_without_a_meaning_are_refused(
    values: list[int], scale: list[float], message: str
) -> None:
    weights = GivenWeights(Array(np.full((2, 1, 1, 1), values)), Array(np.array(scale)), 8, True)
    with refuses(message.replace("given:", "int:")):
        given.quantize("fc", weights)
