"""pow2(n): powers of two and their scale of least squared error, a channel each."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from shiftloom.codegen.formats.pow2 import Pow2
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.channels import least_squares_channels

_CLIPS = 0.15, 1.4
"""α of all channels stay within an octave or two, as the multipliers of the requantization want."""


def quantize(
    node: str, weights: npt.NDArray[Any], fmt: Pow2, alpha_bits: int | None = 16
) -> QuantizedWeights:
    """W ≈ α·β with β zero or ±2^i; raises ShiftloomError naming `node` on bad weights."""
    return least_squares_channels(node, weights, fmt, fmt.magnitudes, _CLIPS, alpha_bits)
