"""pow2(n): nearest powers of two and their least-squares scale, alternated, a channel each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.pow2 import Pow2
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.fixed_point import check_weights, of_channels
from shiftloom.codegen.quantizers.qsq import least_squares

_STARTS = np.linspace(0.3, 1.4, 23)
"""The channel's largest weight on the largest power, clipped or with some room: α of all channels
stay within an octave or two, as the multipliers of the requantization want them."""


def quantize(
    node: str, weights: npt.NDArray[Any], fmt: Pow2, alpha_bits: int = 16
) -> QuantizedWeights:
    """W ≈ α·β with β zero or ±2^i; raises ShiftloomError naming `node` on bad weights."""
    rows = check_weights(node, weights).reshape(weights.shape[0], -1)
    top = np.abs(rows).max(axis=1) / fmt.magnitudes[-1]
    beta, scale = least_squares(rows, fmt.magnitudes, _STARTS[:, None] * top)
    return of_channels(fmt, beta.reshape(weights.shape), scale, alpha_bits)
