"""Samples of operands: times the weights they are the outputs of the layer."""

from __future__ import annotations

import numpy as np
import pytest

from shiftloom.codegen import operands
from shiftloom.codegen.fitted import Layer, kernel
from shiftloom.codegen.ops import Conv2d, ConvTranspose2d, Linear
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window

RNG = np.random.default_rng(0)


def real(*shape: int) -> Array:
    return Array(RNG.normal(size=shape).astype(np.float32))


LAYERS: dict[str, Layer] = {
    "plain": Conv2d(real(4, 3, 2, 6), real(4), Window((3, 2))),
    "strided": Conv2d(real(4, 3, 3, 6), real(4), Window((3, 3), (2, 1), (1, 1))),
    "dilated": Conv2d(real(4, 2, 3, 6), real(4), Window((2, 3), (1, 1), (1, 0), (0, 2), (2, 2))),
    "grouped": Conv2d(real(8, 3, 3, 3), real(8), Window((3, 3)), 2),
    "depthwise": Conv2d(real(6, 3, 3, 1), real(6), Window((3, 3), padding=(1, 1)), 6),
    "transposed": ConvTranspose2d(
        real(4, 3, 2, 6), real(4), Window((3, 2), (2, 3), (1, 0)), (1, 0)
    ),
    "grouped transposed": ConvTranspose2d(
        real(4, 2, 2, 3), real(4), Window((2, 2), (2, 2)), groups=2
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_operands_times_weights_are_all_outputs(name: str) -> None:
    op = LAYERS[name]
    assert not isinstance(op, Linear)
    x = RNG.normal(size=(3, 7, 8, 6)).astype(np.float32)
    pair = operands.sample(op, (x, 2 * x), np.random.default_rng(0))
    found = _outputs(op, pair[0])
    expected = op.run(x).reshape(-1, len(op.bias.data))
    assert np.allclose(found, expected, atol=1e-4)
    assert np.array_equal(pair[1], 2 * pair[0])


def test_rows_of_a_linear_layer_are_its_operands() -> None:
    op, x = Linear(real(4, 6), real(4)), RNG.normal(size=(5, 1, 1, 6)).astype(np.float32)
    found, _ = operands.sample(op, (x, x), np.random.default_rng(0))
    assert np.array_equal(found, x.reshape(1, 5, 6))


def test_large_layers_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operands, "MAX_SAMPLES", 50)
    op = LAYERS["plain"]
    x = RNG.normal(size=(3, 7, 8, 6)).astype(np.float32)
    found, _ = operands.sample(op, (x, x), np.random.default_rng(0))
    assert found.shape == (1, 50, 36)
    every = op.run(x).reshape(-1, 4)
    distance = np.abs(_outputs(op, found)[:, None] - every).max(axis=2)
    assert (distance.min(axis=1) < 1e-4).all()
    assert len(set(distance.argmin(axis=1).tolist())) == 50


def _outputs(op: Layer, samples: np.ndarray) -> np.ndarray:
    """Output pixels [samples, C_out] of operands [groups, samples, terms]."""
    groups, _, terms = samples.shape
    by_group = kernel(op).reshape(groups, -1, terms)
    sums = np.einsum("gst,gkt->sgk", samples, by_group)
    return np.asarray(sums.reshape(samples.shape[1], -1) + op.bias.data)
