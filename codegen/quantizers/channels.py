"""Least squares for formats that list their levels and have one α an output channel."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.format import Format
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.fixed_point import check_weights, in_fixed_point
from shiftloom.codegen.quantizers.least_squares import least_squares


def least_squares_channels(
    node: str,
    weights: npt.NDArray[Any],
    fmt: Format,
    magnitudes: tuple[int, ...],
    clips: tuple[float, float],
    alpha_bits: int | None,
) -> QuantizedWeights:
    """The best β and α that put a channel's largest weight at `clips` times the largest level.

    Raises ShiftloomError naming `node` on bad weights.
    """
    rows = check_weights(node, weights).reshape(weights.shape[0], -1)
    top = np.abs(rows).max(axis=1) / magnitudes[-1]
    beta, scale = least_squares(rows, magnitudes, clips[0] * top, clips[1] * top)
    return in_fixed_point(fmt, weights, beta.reshape(weights.shape), scale, alpha_bits)
