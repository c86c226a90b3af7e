"""Least squares for formats of both signs whose α is one an output channel, or one a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.format import Format
from shiftloom.codegen.formats.levels import both_signs
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.fixed_point import check_weights, in_fixed_point
from shiftloom.codegen.quantizers.least_squares import least_squares

EVERY_CLIP = 0.0, 2.0
"""All of integers whose doubles are levels too: β and α beyond it equal 2·β and α / 2 within it."""


def least_squares_channels(
    node: str,
    weights: npt.NDArray[Any],
    fmt: Format,
    magnitudes: tuple[int, ...],
    clips: tuple[float, float],
    alpha_bits: int | None,
) -> QuantizedWeights:
    """The β and α of least squared error, of the α that `clips` allow.

    α is a clip times the vector's largest magnitude over the largest level. Raises ShiftloomError
    naming `node` on bad weights.
    """
    exact = check_weights(node, weights)
    rows = exact.reshape(fmt.vectors(weights.shape), -1)
    top = np.abs(rows).max(axis=1) / magnitudes[-1]
    beta, scale = least_squares(rows, magnitudes, clips[0] * top, clips[1] * top)
    levels = both_signs(magnitudes)
    return in_fixed_point(fmt, exact, beta.reshape(weights.shape), scale, alpha_bits, levels)
