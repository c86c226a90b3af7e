"""Bias correction: the mean error that quantized weights cause is taken out of the bias.

Nagel et al. (arXiv:1906.04721, section 4.2) subtract E[W̃x] − E[Wx] from a layer's bias. Here the
means are those of the calibration frames, over all pixels, and the quantized layer reads what the
layers quantized before it give.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.values import FloatArray


def shift(exact: FloatArray, quantized: FloatArray) -> npt.NDArray[np.float64]:
    """What to add to the bias: the mean of each channel of a layer's outputs [N, H, W, C], less."""
    return np.asarray((exact.astype(np.float64) - quantized).mean(axis=(0, 1, 2)))
