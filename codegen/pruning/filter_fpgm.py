"""filter_fpgm: filters near the geometric median go first (He et al., arXiv:1811.00250).

What they do is made up for by the others: the sum of a filter's distances to all filters of its
layer (eq. 6) is least near the median.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.fitted import Layer, kernel

Reals = npt.NDArray[np.float64]


def scores(op: Layer) -> Reals:
    """Σ ‖w − w'‖ over the filters w' of the layer, for each filter w."""
    weights = kernel(op)
    rows = weights.reshape(len(weights), -1).astype(np.float64)
    squares = (rows * rows).sum(axis=1)
    apart = squares[:, None] + squares - 2 * rows @ rows.T
    np.fill_diagonal(apart, 0.0)
    sums: Reals = np.sqrt(np.maximum(apart, 0.0)).sum(axis=1)
    return sums
