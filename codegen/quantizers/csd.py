"""csd(n, K): integers of few signed digits and their scale of least squared error."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from shiftloom.codegen.formats.csd import Csd
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.channels import EVERY_CLIP, least_squares_channels


def quantize(
    node: str, weights: npt.NDArray[Any], fmt: Csd, alpha_bits: int | None = 16
) -> QuantizedWeights:
    """W ≈ α·β with β of few digits; raises ShiftloomError naming `node` on bad weights."""
    return least_squares_channels(node, weights, fmt, fmt.magnitudes, EVERY_CLIP, alpha_bits)
