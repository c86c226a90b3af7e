"""ternary: the threshold 0.7·E|W| and α = E|W| above it (Li et al., arXiv:1605.04711, eq. 6)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.ternary import Ternary
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.fixed_point import check_weights, of_channels

_THRESHOLD = 0.7


def quantize(
    node: str, weights: npt.NDArray[Any], fmt: Ternary, alpha_bits: int = 16
) -> QuantizedWeights:
    """W ≈ α·{−1, 0, 1}, a channel each; raises ShiftloomError naming `node` on bad weights."""
    rows = check_weights(node, weights).reshape(weights.shape[0], -1)
    magnitude = np.abs(rows)
    above = magnitude > _THRESHOLD * magnitude.mean(axis=1, keepdims=True)
    scale = (magnitude * above).sum(axis=1) / np.maximum(above.sum(axis=1), 1)
    beta = (np.sign(rows) * above).astype(np.int64).reshape(weights.shape)
    return of_channels(fmt, beta, scale, alpha_bits)
