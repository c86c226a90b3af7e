"""filter_l1: a filter counts as much as the sum of its magnitudes (Li et al., arXiv:1608.08710)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.fitted import Layer, kernel

Reals = npt.NDArray[np.float64]


def scores(op: Layer) -> Reals:
    """Σ|w| of each filter."""
    sums: Reals = np.abs(kernel(op)).sum(axis=(1, 2, 3), dtype=np.float64)
    return sums
