"""Weight sharing: a layer's weights take few values, found by k-means (Han et al., 1510.00149)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.format import Codes
from shiftloom.codegen.values import FloatArray, IntArray

_Reals = npt.NDArray[np.float64]
_ROUNDS = 1000
"""Most rounds of k-means; it ends by itself, on these sizes within a hundred or so."""


def share(values: FloatArray, count: int) -> tuple[npt.NDArray[np.float32], Codes]:
    """At most `count` centroids, ascending, and the place of each value's nearest one.

    The centroids start evenly from the smallest to the largest value, as in the paper, and each
    moves to the mean of its values until none changes hands. Those without values are left out.
    Where the values are `count` or fewer, they are the centroids.
    """
    real = values.reshape(-1).astype(np.float64)
    centroids = np.unique(real)
    if len(centroids) > count:
        centroids = _moved(np.sort(real), np.linspace(real.min(), real.max(), count))
    used, codes = np.unique(_nearest(real, centroids), return_inverse=True)
    return centroids[used].astype(np.float32), codes.astype(np.uint16)


def _nearest(values: _Reals, centroids: _Reals) -> IntArray:
    return np.searchsorted((centroids[1:] + centroids[:-1]) / 2, values)


def _moved(ordered: _Reals, centroids: _Reals) -> _Reals:
    """Where k-means on ascending values ends: a cluster is a range, its sum one of prefix sums."""
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    bounds = np.zeros(len(centroids) + 1, dtype=np.int64)
    for _ in range(_ROUNDS):
        inner = np.searchsorted(ordered, (centroids[1:] + centroids[:-1]) / 2)
        now = np.concatenate([[0], inner, [len(ordered)]])
        if np.array_equal(now, bounds):
            break
        bounds, sizes = now, np.diff(now)
        means = np.diff(sums[now]) / np.maximum(sizes, 1)
        centroids = np.where(sizes > 0, means, centroids)
    return centroids
