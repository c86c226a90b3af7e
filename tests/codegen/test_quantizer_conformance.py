"""Every (format, quantizer) pair: range, codes, golden integers, storage, scaling, odd weights."""

from __future__ import annotations

import numpy as np
import pytest
from quantizer_cases import (
    ALONE,
    FORMATS,
    PAIRS,
    Weights,
    images,
    layer,
    network,
    quantized,
    sample,
    settings,
)
from refusals import refuses

from shiftloom.codegen import formats, golden, quantizers
from shiftloom.codegen.formats.format import storage_bits
from shiftloom.codegen.formats.packing import pack, unpack
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.quantizers import FITTED, Options

each = pytest.mark.parametrize(("name", "word"), PAIRS)
of_weights = pytest.mark.parametrize(("name", "word"), ALONE)


def lost(codes: QuantizedWeights, weights: Weights) -> float:
    """The squared error as a share of the weights' energy."""
    return float(np.square(weights - codes.real).sum() / np.square(weights).sum())


def well_formed(codes: QuantizedWeights, weights: Weights) -> None:
    """Integers of the format in the weights' shape, a positive scale of every vector."""
    assert codes.values.data.shape == weights.shape
    assert np.isin(codes.values.data, codes.format.levels).all()
    assert codes.mantissa.data.shape == (codes.format.vectors(weights.shape),)
    assert (codes.mantissa.data > 0).all()
    assert np.isfinite(codes.alpha).all()


def test_every_format_and_every_word_is_here() -> None:
    assert {layer(name).weight_format.name for name in FORMATS} == {
        kind.name for kind in formats.FORMATS if kind is not formats.Given
    }
    assert {word for _, word in PAIRS} == set(quantizers.words(formats.Qsq())) | set(
        quantizers.words(formats.Int())
    )


@each
def test_integers_are_levels_and_pass_through_their_codes(name: str, word: str) -> None:
    weights = sample()
    codes = quantized(name, word, weights)
    well_formed(codes, weights)
    fmt = codes.format
    packed = pack(fmt.encode(codes.values.data), fmt.bits)
    unpacked = fmt.decode(unpack(packed, weights.size, fmt.bits)).reshape(weights.shape)
    assert np.array_equal(unpacked, codes.values.data)
    assert len(packed) == -(-weights.size * fmt.bits // 8)
    assert storage_bits(fmt, weights.shape, 16) == fmt.bits * weights.size + 16 * len(codes.alpha)
    assert lost(codes, weights) < 0.6


@each
def test_golden_integers_are_those_of_loops_over_codes(name: str, word: str) -> None:
    """Sums by hand from the stored codes alone; in real numbers they are those of α·β and bias.

    A step is that of the logits, whose multiplier has few bits where sums are wide.
    """
    weights = sample(2, (4, 2, 2, 3))
    x, graph = images(weights, 3), network(weights)
    made = quantize(graph, x, settings(name, quantizer=word))
    unit, out = made.qgraph.nodes[0].unit, made.qgraph.nodes[0].out
    assert isinstance(unit, Mac)
    fmt = unit.codes.format
    beta = fmt.decode(fmt.encode(unit.codes.values.data))
    mantissa = fmt.spread(unit.codes.mantissa.data, weights.shape)
    integers = beta if (mantissa == mantissa[:, :1, :1, :1]).all() else beta * mantissa
    sums = np.zeros((3, 4, 5, 4), dtype=np.int64)
    for n, row, column, k in np.ndindex(sums.shape):
        window = x[n, row : row + 2, column : column + 2].tolist()
        total = int(unit.bias.data[k])
        for i, j, c in np.ndindex(weights.shape[1:]):
            total += int(integers[k, i, j, c]) * window[i][j][c]
        sums[n, row, column, k] = total
    assert np.array_equal(golden.trace(made.qgraph, x)["conv2d0"], sums)
    alpha = np.ldexp(mantissa.astype(float), unit.codes.exponent)
    real = np.einsum("nhwijc,kijc->nhwk", windows(x) / 255, alpha * beta)
    bias = made.fitted.biases["conv2d0"].data
    rounding = 0.51 * out.scale.data + 0.07 * (np.abs(bias) + np.abs(real).max())
    assert (np.abs(sums * out.scale.data - real - bias) <= rounding).all()


def windows(x: np.ndarray) -> np.ndarray:
    """All 2×2 windows [N, H, W, 2, 2, C]."""
    views = np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(1, 2))
    return views.transpose(0, 1, 2, 4, 5, 3)


@each
def test_weights_scaled_by_a_power_of_two_keep_their_integers(name: str, word: str) -> None:
    weights = sample(3)
    plain = quantized(name, word, weights)
    for shift in (-9, 6):
        scaled = quantized(name, word, np.ldexp(weights, shift))
        assert scaled.values == plain.values
        assert scaled.mantissa == plain.mantissa
        assert scaled.exponent == plain.exponent + shift


@of_weights
def test_a_sign_turns_the_integers(name: str, word: str) -> None:
    """Levels lie on both sides alike, but for two scales, which change places."""
    plain, turned = (quantized(name, word, sign * sample(4)) for sign in (1, -1))
    assert np.array_equal(turned.values.data, -plain.values.data)
    assert turned.mantissa == plain.mantissa


@each
def test_channels_of_one_value_are_kept(name: str, word: str) -> None:
    weights = np.broadcast_to(
        np.array([0.3, -0.7, 1.1], np.float32)[:, None, None, None], (3, 3, 3, 4)
    ).copy()
    codes = quantized(name, word, weights)
    well_formed(codes, weights)
    shared = name in ("int4-tensor", "qsq1-filter5")  # one α for several channels
    assert lost(codes, weights) < (0.4 if shared else 1e-6)


@each
def test_a_channel_of_zeros_and_one_far_too_small(name: str, word: str) -> None:
    weights = sample(5)
    weights[1], weights[2] = 0, weights[2] * np.float32(1e-12)
    codes = quantized(name, word, weights)
    well_formed(codes, weights)
    if 0 in codes.format.levels:
        assert not codes.values.data[1].any()
    others = [0, 3, 4, 5]
    assert lost(codes, weights) < 0.6
    kept = np.square(weights - codes.real)[others].sum() / np.square(weights[others]).sum()
    assert kept < 0.6


@each
def test_a_layer_of_zeros(name: str, word: str) -> None:
    weights = np.zeros((3, 2, 2, 2), dtype=np.float32)
    codes = quantized(name, word, weights)
    well_formed(codes, weights)
    if 0 in codes.format.levels:
        assert not codes.values.data.any()


@each
@pytest.mark.parametrize("value", [0.37, -2.5])
def test_a_layer_of_one_weight(name: str, word: str, value: float) -> None:
    weights = np.full((1, 1, 1, 1), value, dtype=np.float32)
    codes = quantized(name, word, weights)
    well_formed(codes, weights)
    assert codes.real.item() == pytest.approx(value, rel=1e-4)


@each
def test_one_calibration_frame_is_enough(name: str, word: str) -> None:
    weights = sample(6)
    codes = quantized(name, word, weights, count=1)
    well_formed(codes, weights)
    assert lost(codes, weights) < 0.6


@each
@pytest.mark.filterwarnings("error")
def test_weights_that_are_not_finite_are_refused(name: str, word: str) -> None:
    weights = sample()
    weights[0, 0, 0, :2] = np.nan, np.inf
    fmt, options = layer(name).weight_format, settings(name, quantizer=word).defaults.quantizing
    with refuses("conv: 2 weights are not finite; train the network again"):
        quantizers.quantize("conv", weights, fmt, options)
    with refuses("conv: a weight of 1e+30; use at most 1.15e+18"):
        quantizers.quantize("conv", np.full((2, 1, 1, 3), -1e30), fmt, options)


@each
def test_alpha_in_few_bits_costs_each_vector_one_percent_at_most(name: str, word: str) -> None:
    """A search ends at the fewest bits that add no more than that of the layer's relative error.

    One bit less adds more to a vector.
    """
    weights = sample(7)
    if word in FITTED:
        assert quantized(name, word, weights, alpha_bits=None).mantissa.data.max() < 1 << 24
        return
    exact = quantized(name, word, weights, alpha_bits=24)
    energy = vector_sums(exact, np.square(weights)) * lost(exact, weights)

    def added(bits: int | None) -> float:
        made = quantized(name, word, weights, alpha_bits=bits)
        errors = (np.square(weights - codes.real) for codes in (made, exact))
        one, other = (vector_sums(exact, error) for error in errors)
        return float(((one - other) / energy).max())

    assert added(None) <= 0.0101
    bits = int(quantized(name, word, weights, alpha_bits=None).mantissa.data.max()).bit_length()
    if word in ("least_squares", "paper"):
        assert all(added(fewer) > 0.0099 for fewer in range(2, bits))


def vector_sums(codes: QuantizedWeights, values: np.ndarray) -> np.ndarray:
    """Sums over the weights that share an α."""
    vector = codes.format.spread(np.arange(codes.mantissa.data.size), values.shape)
    return np.bincount(vector.ravel(), values.ravel())


def test_a_quantizer_of_another_format_is_refused_with_those_it_has() -> None:
    with refuses(
        "conv: qsq has no quantizer 'max'; use one of least_squares, paper, calibrated, adaround"
    ):
        quantizers.quantize("conv", sample(), formats.Qsq(), Options("max"))
    with refuses(
        "conv: binary has no quantizer 'paper'; use one of least_squares, calibrated, adaround"
    ):
        quantizers.quantize("conv", sample(), formats.Binary(), Options("paper"))
