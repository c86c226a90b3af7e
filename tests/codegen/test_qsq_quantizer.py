"""QSQ quantizers: least squares against brute force, the paper's bands, scales in fixed point."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refuses

from shiftloom.codegen.formats.qsq import Axis, Qsq
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.options import AlphaRule, Word
from shiftloom.codegen.quantizers.qsq import quantize

Floats = npt.NDArray[np.float64]
BITS = 24
"""α wide enough that its rounding does not show."""


def reconstructed(codes: QuantizedWeights) -> Floats:
    """α·β in the shape of the weights."""
    shape = codes.values.data.shape
    return np.asarray(codes.values.data * codes.format.spread(codes.alpha, shape))


def squared_error(weights: npt.NDArray[np.float32], codes: QuantizedWeights) -> float:
    return float(((weights - reconstructed(codes)) ** 2).sum())


def least_error(vector: Floats, levels: tuple[int, ...]) -> float:
    """The optimum over every assignment of levels and every α ≥ 0."""
    signed = sorted({sign * level for level in levels for sign in (1, -1)})
    best = float(vector @ vector)
    for assignment in product(signed, repeat=len(vector)):
        beta = np.array(assignment)
        dot, norm = float(vector @ beta), float(beta @ beta)
        if norm and dot > 0:
            best = min(best, float(vector @ vector) - dot * dot / norm)
    return best


@pytest.mark.parametrize("phi", [1, 2, 4])
@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_least_squares_is_optimal_on_tiny_vectors(phi: int, length: int) -> None:
    rng = np.random.default_rng(length)
    weights = (rng.normal(size=(20, length)) * np.exp(rng.normal(size=(20, 1)))).astype(np.float32)
    codes = quantize("fc", weights[:, None, None, :], Qsq(phi), alpha_bits=BITS)
    rounded = reconstructed(codes)[:, 0, 0, :]
    for vector, got in zip(weights.astype(np.float64), rounded, strict=True):
        error = float(((vector - got) ** 2).sum())
        assert error <= least_error(vector, Qsq(phi).magnitudes) + 1e-6 * float(vector @ vector)


@settings(max_examples=25)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.integers(1, 6)),
    phi=st.sampled_from([1, 2, 4]),
    axis=st.sampled_from(["output", "filter", "channel"]),
    vector=st.none() | st.integers(1, 9),
    seed=st.integers(0, 999),
)
def test_least_squares_beats_the_papers_thresholds(
    shape: tuple[int, int, int, int], phi: int, axis: Axis, vector: int | None, seed: int
) -> None:
    weights = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    fmt = Qsq(phi, vector, axis)
    best = quantize("conv", weights, fmt, alpha_bits=BITS)
    paper = quantize("conv", weights, fmt, "paper", alpha_bits=BITS)
    literal = quantize("conv", weights, fmt, "paper", "paper", alpha_bits=BITS)
    slack = 1e-6 * float((weights**2).sum())
    assert squared_error(weights, best) <= squared_error(weights, paper) + slack
    assert squared_error(weights, paper) <= squared_error(weights, literal) + slack
    for codes in (best, paper, literal):
        assert np.isin(np.abs(codes.values.data), fmt.magnitudes).all()
        assert codes.values.data.shape == shape
        assert codes.mantissa.data.shape == (fmt.vectors(shape),)
        assert (codes.mantissa.data > 0).all()
        assert (codes.values.data * weights >= 0).all()


def test_weights_of_the_format_are_kept_exactly() -> None:
    beta = np.random.default_rng(0).choice([0, 1, -1, 2, -2, 4, -4], (8, 3, 3, 4))
    beta[:, 0, 0, 0] = 4
    codes = quantize("conv", (beta * 0.125).astype(np.float32), Qsq(4))
    assert np.array_equal(codes.values.data, beta)
    assert np.array_equal(codes.alpha, np.full(8, 0.125))


def test_ties_go_to_the_smaller_magnitude() -> None:
    weights = np.array([1.0] * 40 + [1.5, 3.0, 0.5, -1.5], dtype=np.float32)
    codes = quantize("fc", np.tile(weights, (1, 1, 1, 1)).reshape(1, 1, 1, -1), Qsq(4))
    alpha = codes.alpha[0]
    ratio = np.abs(weights) / alpha
    beta = np.abs(codes.values.data.ravel())
    for lower, upper in ((0, 1), (1, 2), (2, 4)):
        middle = (lower + upper) / 2
        assert (beta[ratio < middle * 0.999] <= lower).all()
        assert (beta[ratio > middle * 1.001] >= upper).all()


@pytest.mark.parametrize("mode", ["least_squares", "paper"])
def test_vectors_of_zeros_take_the_largest_scale(mode: Word) -> None:
    weights = np.random.default_rng(0).normal(size=(4, 3, 3, 2)).astype(np.float32)
    weights[1] = 0
    weights[2] *= 1e-12
    codes = quantize("conv", weights, Qsq(4), mode)
    assert not codes.values.data[1:3].any()
    assert codes.alpha[1] == codes.alpha[2] == codes.alpha.max()


@pytest.mark.parametrize("mode", ["least_squares", "paper"])
@pytest.mark.parametrize("rule", ["least_squares", "paper"])
def test_a_layer_of_zeros(mode: Word, rule: AlphaRule) -> None:
    codes = quantize("conv", np.zeros((3, 2, 2, 2), dtype=np.float32), Qsq(4), mode, rule)
    assert not codes.values.data.any()
    assert (codes.alpha > 0).all()
    assert np.isfinite(codes.alpha).all()


@pytest.mark.parametrize("bits", [2, 8, 16, 24])
def test_scales_are_mantissas_of_the_given_width(bits: int) -> None:
    weights = np.random.default_rng(1).normal(size=(9, 3, 3, 4)).astype(np.float32)
    exact = quantize("conv", weights, Qsq(4), alpha_bits=24).alpha
    codes = quantize("conv", weights, Qsq(4), alpha_bits=bits)
    top = int(codes.mantissa.data.max())
    assert (1 << (bits - 1)) <= top < 1 << bits
    assert np.abs(codes.alpha - exact).max() <= 2.0**codes.exponent
    assert np.array_equal(codes.alpha, codes.mantissa.data * 2.0**codes.exponent)


def test_scales_just_below_a_power_of_two_do_not_overflow() -> None:
    weights = np.full((1, 1, 1, 4), np.nextafter(np.float32(1), np.float32(0)))
    codes = quantize("fc", weights * np.array([4, 2, 1, 1], dtype=np.float32), Qsq(4), alpha_bits=4)
    assert codes.mantissa.data.tolist() == [15]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(value: float) -> None:
    weights = np.ones((2, 1, 1, 3), dtype=np.float32)
    weights[1, 0, 0, :2] = value
    with refuses("fc: 2 weights are not finite; train the network again"):
        quantize("fc", weights, Qsq(4))


@pytest.mark.parametrize("phi", [1, 2, 4])
@pytest.mark.parametrize("rule", ["least_squares", "paper"])
def test_paper_mode_follows_the_bands_of_equation_10(phi: int, rule: AlphaRule) -> None:
    """Some γ < 1 < δ in units of the one-sided deviation explain every assignment of a layer."""
    rng = np.random.default_rng(5)
    weights = (rng.normal(size=(6, 3, 3, 4)) + 0.1).astype(np.float32)
    codes = quantize("conv", weights, Qsq(phi), "paper", rule, BITS)
    vectors = weights.reshape(6, -1).astype(np.float64)
    ratio = np.empty_like(vectors)
    for row, vector in zip(ratio, vectors, strict=True):
        for side in (vector > 0, vector < 0):
            row[side] = np.abs(vector[side]) / np.sqrt((vector[side] ** 2).mean())
    magnitude = np.abs(codes.values.data.reshape(6, -1))
    edges = [ratio[magnitude == level] for level in Qsq(phi).magnitudes]
    for lower, upper in pairwise(edges):
        assert lower.size == 0 or upper.size == 0 or lower.max() <= upper.min()
    if phi > 1:
        assert edges[1].max() <= 1 < edges[2].min()
    assert edges[0].max() <= 0.9
    assert phi < 4 or edges[2].max() <= 3.0


def test_equation_9_taken_literally() -> None:
    weights = np.random.default_rng(5).normal(size=(6, 3, 3, 4)).astype(np.float32)
    for phi in (1, 2, 4):
        codes = quantize("conv", weights, Qsq(phi), "paper", "paper", BITS)
        expected = np.abs(weights.reshape(6, -1)).mean(axis=1) / phi
        assert np.allclose(codes.alpha, expected, rtol=1e-5)


def test_equation_9_counts_only_the_weights_of_a_short_vector() -> None:
    weights = np.random.default_rng(5).normal(size=(1, 1, 1, 7)).astype(np.float32)
    codes = quantize("fc", weights, Qsq(4, 5), "paper", "paper", BITS)
    tail = np.abs(weights.ravel()[5:]).mean() / 4
    assert codes.alpha[1] == pytest.approx(tail, rel=1e-5)


def test_the_papers_mode_takes_the_least_squares_scale_of_its_bands() -> None:
    weights = np.random.default_rng(2).normal(size=(5, 3, 3, 4)).astype(np.float32)
    codes = quantize("conv", weights, Qsq(4), "paper", alpha_bits=BITS)
    beta = codes.values.data.reshape(5, -1)
    expected = (weights.reshape(5, -1) * beta).sum(axis=1) / (beta * beta).sum(axis=1)
    assert np.allclose(codes.alpha, expected, rtol=1e-5)
