"""The calibrated quantizer: levels that change the outputs of a layer least on calibration data.

For inputs x about their mean, of covariance H, weights αβ in place of w change an output by
E[((w − αβ)·x)²] = (w − αβ)ᵀ H (w − αβ). That is lowered by coordinate descent: each β in turn takes
the level nearest to its optimum while all others are held, then α its least-squares value.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
import numpy.typing as npt

from shiftloom.codegen.values import IntArray

Reals = npt.NDArray[np.float64]

_STARTS = (0.7, 0.85, 1.0, 1.15, 1.3)
"""Factors of the least-squares α that the descent starts from; the best end is kept."""
_SWEEPS = 20
"""Most passes over all weights of a channel."""


def fit(
    weights: Reals, covariance: Reals, levels: Sequence[int], beta: IntArray
) -> tuple[IntArray, Reals]:
    """β and α of output channels `weights` [K, D] for inputs of `covariance` [D, D], from `beta`.

    The covariance is positive definite.
    """
    scale = _scale(weights, covariance, beta.astype(np.float64))
    found = [
        _descended(weights, covariance, levels, np.maximum(start * scale, 1e-12))
        for start in _STARTS
    ]
    errors = np.stack([error for _, _, error in found])
    best, rows = errors.argmin(axis=0), np.arange(len(weights))
    betas, scales = np.stack([b for b, _, _ in found]), np.stack([a for _, a, _ in found])
    return np.rint(betas[best, rows]).astype(np.int64), scales[best, rows]


def _descended(
    weights: Reals, covariance: Reals, levels: Sequence[int], scale: Reals
) -> tuple[Reals, Reals, Reals]:
    """β, α and the error of each channel where the descent from nearest levels ends."""
    grid = np.array(levels, dtype=np.float64)
    edges = (grid[1:] + grid[:-1]) / 2
    beta = grid[np.searchsorted(edges, weights / scale[:, None])]
    for _ in range(_SWEEPS):
        residual = (weights - scale[:, None] * beta) @ covariance
        moved = _sweep(beta, residual, scale, covariance, grid, edges)
        scale = np.maximum(_scale(weights, covariance, beta), 1e-12)
        if not moved:
            break
    rest = weights - scale[:, None] * beta
    return beta, scale, ((rest @ covariance) * rest).sum(axis=1)


def _scale(weights: Reals, covariance: Reals, beta: Reals) -> Reals:
    """α = wᵀHβ / βᵀHβ of each channel, 0 where β vanishes."""
    seen = beta @ covariance
    norm: Reals = (seen * beta).sum(axis=1)
    return np.where(norm > 0, (seen * weights).sum(axis=1) / np.maximum(norm, 1e-300), 0.0)


@numba.njit(cache=True)
def _sweep(
    beta: Reals, residual: Reals, scale: Reals, covariance: Reals, grid: Reals, edges: Reals
) -> int:
    """Move each β to its best level in turn; `residual` is (w − αβ)ᵀH. Returns how many moved."""
    moved = 0
    channels, terms = beta.shape
    for k in range(channels):
        for i in range(terms):
            wanted = beta[k, i] + residual[k, i] / (covariance[i, i] * scale[k])
            level = grid[np.searchsorted(edges, wanted)]
            step = scale[k] * (level - beta[k, i])
            if step != 0:
                moved += 1
                beta[k, i] = level
                for j in range(terms):
                    residual[k, j] -= step * covariance[i, j]
    return moved
