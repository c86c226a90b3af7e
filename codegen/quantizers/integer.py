"""int(n): symmetric integers; the clip is the maximum, a percentile, or of least squared error."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.integer import Int
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.fixed_point import Vectors, check_weights, in_fixed_point
from shiftloom.codegen.quantizers.options import Word
from shiftloom.codegen.values import IntArray

_CLIPS = np.linspace(0.3, 1.0, 57)


def quantize(
    node: str,
    weights: npt.NDArray[Any],
    fmt: Int,
    clip: Word = "least_squares",
    percentile: float = 99.9,
    alpha_bits: int | None = 16,
) -> QuantizedWeights:
    """W ≈ α·β with β in ±(2^(n−1) − 1); raises ShiftloomError naming `node` on bad weights."""
    rows = check_weights(node, weights).reshape(fmt.vectors(weights.shape), -1)
    top = max(fmt.type.hi, 1)
    largest = np.abs(rows).max(axis=1)
    if clip == "max":
        scale = largest / top
    elif clip == "percentile":
        scale = np.percentile(np.abs(rows), percentile, axis=1) / top
    else:
        scale = _best(rows, largest / top, top)
    beta = _rounded(rows, scale, top).reshape(weights.shape)
    return in_fixed_point(fmt, weights, beta, scale, alpha_bits)


def _best(rows: Vectors, widest: Vectors, top: int) -> Vectors:
    """Of clips between 0.3 and 1 times the largest magnitude, that of least squared error."""
    best_error, best_scale = np.full(len(rows), np.inf), np.zeros(len(rows))
    for clip in _CLIPS:
        scale = clip * widest
        error = ((rows - scale[:, None] * _rounded(rows, scale, top)) ** 2).sum(axis=1)
        better = error < best_error
        best_error[better], best_scale[better] = error[better], scale[better]
    return best_scale


def _rounded(rows: Vectors, scale: Vectors, top: int) -> IntArray:
    """The nearest integers of ±top in units of each row's scale; zeros without one."""
    steps = rows / np.where(scale > 0, scale, np.inf)[:, None]
    beta: IntArray = np.clip(np.rint(steps), -top, top).astype(np.int64)
    return beta
