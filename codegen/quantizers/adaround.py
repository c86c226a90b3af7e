"""The adaround quantizer: each weight rounded to one of its two neighbouring levels, all at once.

The scale stays. Between the levels below and above, a weight is low + h·(high − low), with the
rectified sigmoid h(v) = clip(1.2·σ(v) − 0.1, 0, 1). Gradient descent lowers the change of the
outputs, (w − αβ)ᵀ H (w − αβ) for inputs of covariance H, and the regularizer Σ 1 − |2h − 1|^b. Its
exponent falls, so that every h ends near 0 or 1 (Nagel et al., arXiv:2004.10568, eq. 21 to 24).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.values import IntArray

Reals = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

STEPS = 500
WARM_UP = 0.2
"""Share of the steps without the regularizer."""
_RATE, _MEAN, _SQUARE = 0.05, 0.9, 0.999
"""Adam's learning rate and the decays of its two averages."""
_STRENGTH = 0.2
"""Of the regularizer, where nearest levels have the error 1 a channel."""
_FAINT = 1e-6
"""Least error that a channel is measured by, as a part of what single weights a level off cause."""
_EXPONENTS = 20.0, 2.0
_LOW, _HIGH = -0.1, 1.1
"""The sigmoid is stretched to these limits."""


def fit(weights: Reals, covariance: Reals, levels: Sequence[int], scale: Reals) -> IntArray:
    """β of output channels `weights` [K, D] in steps of `scale` [K, D], inputs of `covariance`.

    No channel's error is larger than with nearest levels.
    """
    grid = np.array(levels, dtype=np.float64)
    wanted = weights / scale
    place = np.searchsorted(grid, wanted, side="right")
    low, high = grid[np.maximum(place - 1, 0)], grid[np.minimum(place, len(grid) - 1)]
    gap = high - low
    part = np.where(gap > 0, (wanted - low) / np.where(gap > 0, gap, 1), 0.0)
    nearest = np.where(part > 0.5, high, low)
    worst = _errors(weights - scale * nearest, covariance)
    least = _FAINT * ((scale * gap) ** 2 @ covariance.diagonal())
    factor = np.sqrt(np.maximum(worst, np.where(least > 0, least, 1.0)))[:, None]
    h = _relaxed((weights - scale * low) / factor, scale * gap / factor, covariance, part)
    beta = np.where(h > 0.5, high, low)
    better = _errors(weights - scale * beta, covariance) < worst
    return np.rint(np.where(better[:, None], beta, nearest)).astype(np.int64)


def _errors(rest: Reals, covariance: Reals) -> Reals:
    found: Reals = ((rest @ covariance) * rest).sum(axis=1)
    return found


def _relaxed(rest: Reals, step: Reals, covariance: Reals, part: Reals) -> Singles:
    """The h [K, D] that make rest − h·step small under the covariance and end near 0 or 1."""
    left, way, seen = (a.astype(np.float32) for a in (rest, step, covariance))
    start = np.clip((part - _LOW) / (_HIGH - _LOW), 1e-4, 1 - 1e-4)
    v = np.log(start / (1 - start)).astype(np.float32)
    mean, square = np.zeros_like(v), np.zeros_like(v)
    for index in range(STEPS):
        sigmoid = 1 / (1 + np.exp(-v))
        stretched = sigmoid * (_HIGH - _LOW) + _LOW
        h = np.clip(stretched, 0, 1).astype(np.float32, copy=False)
        slope = -2 * way * ((left - h * way) @ seen) + _pressure(h, index / STEPS)
        slope *= (stretched == h) * sigmoid * (1 - sigmoid) * (_HIGH - _LOW)
        mean += (1 - _MEAN) * (slope - mean)
        square += (1 - _SQUARE) * (slope * slope - square)
        rate = _RATE * np.sqrt(1 - _SQUARE ** (index + 1)) / (1 - _MEAN ** (index + 1))
        v -= (rate * mean / (np.sqrt(square) + 1e-8)).astype(np.float32)
    return np.clip(1 / (1 + np.exp(-v)) * (_HIGH - _LOW) + _LOW, 0, 1)


def _pressure(h: Singles, progress: float) -> Singles | float:
    """Slope of the regularizer, of its exponent at this part of the way."""
    if progress < WARM_UP:
        return 0.0
    way = (progress - WARM_UP) / (1 - WARM_UP)
    exponent = _EXPONENTS[1] + (_EXPONENTS[0] - _EXPONENTS[1]) * 0.5 * (1 + np.cos(np.pi * way))
    side = 2 * h - 1
    found: Singles = -2 * _STRENGTH * exponent * np.sign(side) * np.abs(side) ** (exponent - 1)
    return found
