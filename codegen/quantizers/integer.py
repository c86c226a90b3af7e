"""int(n): symmetric integers, the clip of least squared error for each channel or the tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.integer import Int
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.fixed_point import Vectors, check_weights, of_channels
from shiftloom.codegen.values import IntArray

_CLIPS = np.linspace(0.3, 1.0, 57)


def quantize(
    node: str, weights: npt.NDArray[Any], fmt: Int, alpha_bits: int = 16
) -> QuantizedWeights:
    """W ≈ α·β with β in ±(2^(n−1) − 1); raises ShiftloomError naming `node` on bad weights."""
    real = check_weights(node, weights)
    rows = real.reshape(fmt.vectors(weights.shape), -1)
    top = max(fmt.type.hi, 1)
    best_error = np.full(len(rows), np.inf)
    best_scale = np.zeros(len(rows))
    for clip in _CLIPS:
        scale = clip * np.abs(rows).max(axis=1) / top
        error = ((rows - scale[:, None] * _rounded(rows, scale, top)) ** 2).sum(axis=1)
        better = error < best_error
        best_error[better], best_scale[better] = error[better], scale[better]
    beta = _rounded(rows, best_scale, top).reshape(weights.shape)
    return of_channels(fmt, beta, best_scale, alpha_bits)


def _rounded(rows: Vectors, scale: Vectors, top: int) -> IntArray:
    """The nearest integers of ±top in units of each row's scale; zeros without one."""
    steps = rows / np.where(scale > 0, scale, np.inf)[:, None]
    beta: IntArray = np.clip(np.rint(steps), -top, top).astype(np.int64)
    return beta
