"""int(n): symmetric integers; α is that of least squared error, or of a clip at a magnitude."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.integer import Int
from shiftloom.codegen.formats.levels import both_signs
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.channels import EVERY_CLIP, least_squares_channels
from shiftloom.codegen.quantizers.fixed_point import check_weights, in_fixed_point
from shiftloom.codegen.quantizers.nearest import nearest
from shiftloom.codegen.quantizers.options import Word


def quantize(
    node: str,
    weights: npt.NDArray[Any],
    fmt: Int,
    clip: Word = "least_squares",
    percentile: float = 99.9,
    alpha_bits: int | None = 16,
) -> QuantizedWeights:
    """W ≈ α·β with β in ±(2^(n−1) − 1); raises ShiftloomError naming `node` on bad weights."""
    magnitudes = tuple(range(max(fmt.type.hi, 1) + 1))
    if clip == "least_squares":
        return least_squares_channels(node, weights, fmt, magnitudes, EVERY_CLIP, alpha_bits)
    exact = check_weights(node, weights)
    size = np.abs(exact.reshape(fmt.vectors(weights.shape), -1))
    top = size.max(axis=1) if clip == "max" else np.percentile(size, percentile, axis=1)
    scale, levels = top / magnitudes[-1], both_signs(magnitudes)
    beta = nearest(exact, fmt.spread(scale, weights.shape), levels)
    return in_fixed_point(fmt, exact, beta, scale, alpha_bits, levels)
