"""The nearest level of a number format to each weight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.values import IntArray

Reals = npt.NDArray[np.float64]


def nearest(weights: Reals, scale: Reals, levels: Sequence[int]) -> IntArray:
    """The nearest of `levels` (ascending) to each weight in units of its scale, of one shape.

    A tie goes to the smaller magnitude. A weight without a scale is 0 of these units.
    """
    ratio = weights / np.where(scale > 0, scale, np.inf)
    grid = np.array(levels, dtype=np.int64)
    edges = (grid[1:] + grid[:-1]) / 2
    place = np.searchsorted(edges, ratio)
    place += (ratio < 0) & (edges[np.minimum(place, len(edges) - 1)] == ratio)
    return np.asarray(grid[place])
