"""binary: the sign and α = E|W| of each channel (XNOR-Net, arXiv:1603.05279, eq. 6)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.binary import Binary
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.fixed_point import check_weights, in_fixed_point


def quantize(
    node: str, weights: npt.NDArray[Any], fmt: Binary, alpha_bits: int | None = 16
) -> QuantizedWeights:
    """W ≈ α·{−1, 1}, +1 for 0; raises ShiftloomError naming `node` on bad weights."""
    exact = check_weights(node, weights)
    rows = exact.reshape(weights.shape[0], -1)
    beta = np.where(rows < 0, -1, 1).reshape(weights.shape)
    return in_fixed_point(fmt, exact, beta, np.abs(rows).mean(axis=1), alpha_bits)
