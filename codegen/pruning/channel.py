"""channel: a channel counts as much as all weights that go with it, those that read it as well.

These are the filters that make it and the slices of the next layers' kernels, as in DepGraph (Fang
et al., arXiv:2301.12900), measured by their magnitudes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.fitted import Layer, kernel

Reals = npt.NDArray[np.float64]


def read_scores(op: Layer) -> Reals:
    """Σ|w| over the weights that read an input channel, for each of a layer without groups."""
    sums: Reals = np.abs(kernel(op)).sum(axis=(0, 1, 2), dtype=np.float64)
    return sums
