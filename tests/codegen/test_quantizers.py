"""Quantizers of every format but QSQ: their errors, their scales, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from refusals import refuses

from shiftloom.codegen.formats import FORMATS, Binary, Format, Given, Int, Pow2, Qsq, Ternary
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
