"""The calibrated quantizer: levels that change the outputs of a layer least on calibration data.

For inputs x about their mean, of covariance H, weights αβ in place of w change an output by
E[((w − αβ)·x)²] = (w − αβ)ᵀ H (w − αβ). That is lowered by coordinate descent: each β in turn takes
the level nearest to its optimum while all others are held, then α its least-squares value. It
starts from nearest levels, and from error feedback at several α (Frantar et al., arXiv:2210.17323).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import jit
from shiftloom.codegen.values import IntArray

Reals = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_STARTS = (0.85, 1.0, 1.15)
"""Factors of the least-squares α that a descent starts from; the best end is kept."""
_SWEEPS = 20
"""Most passes over all weights of a channel."""
_LEAST = 1e-9
"""Smallest α."""


def fit(
    weights: Reals,
    covariance: Reals,
    levels: Sequence[int],
    beta: IntArray,
    held: Mask | None = None,
) -> tuple[IntArray, Reals]:
    """β and α of output channels `weights` [K, D] for inputs of `covariance` [D, D], from `beta`.

    Where `held` [K, D] is True β stays as it is. The covariance is positive definite.
    """
    real = beta.astype(np.float64)
    free = np.zeros(weights.shape, dtype=np.bool_)
    problem = _Problem(weights, covariance, levels, real, free if held is None else held)
    scale = np.maximum(problem.scale(real @ covariance, real), _LEAST)
    found = [problem.descended(real, scale)]
    found += [problem.descended(problem.fed_back(f * scale), f * scale) for f in _STARTS]
    errors = np.stack([error for _, _, error in found])
    best, rows = errors.argmin(axis=0), np.arange(len(weights))
    betas, scales = np.stack([b for b, _, _ in found]), np.stack([a for _, a, _ in found])
    return np.rint(betas[best, rows]).astype(np.int64), scales[best, rows]


class _Problem:
    """The weights of a layer, the covariance H of its inputs, and the levels of its format.

    Where `held` is True β is that of `start`.
    """

    def __init__(
        self,
        weights: Reals,
        covariance: Reals,
        levels: Sequence[int],
        start: Reals,
        held: Mask,
    ) -> None:
        self._start = start
        self._held = held
        self._weights = weights
        self._covariance = covariance
        self._seen = weights @ covariance
        self._feedback = np.linalg.cholesky(np.linalg.inv(covariance)).T
        self._grid = np.array(levels, dtype=np.float64)
        self._edges = (self._grid[1:] + self._grid[:-1]) / 2

    def scale(self, seen: Reals, beta: Reals | IntArray) -> Reals:
        """α = wᵀHβ / βᵀHβ of each channel, 0 where β vanishes; `seen` is Hβ."""
        norm: Reals = (seen * beta).sum(axis=1)
        dot = (self._seen * beta).sum(axis=1)
        return np.where(norm > 0, dot / np.maximum(norm, 1e-300), 0.0)

    def fed_back(self, scale: Reals) -> Reals:
        """β by error feedback: each error is made up for by the weights that come after it."""
        rest = self._weights / scale[:, None]
        beta = np.empty_like(rest)
        for i, row in enumerate(self._feedback):
            nearest = self._grid[np.searchsorted(self._edges, rest[:, i])]
            beta[:, i] = np.where(self._held[:, i], self._start[:, i], nearest)
            rest[:, i:] -= np.outer((rest[:, i] - beta[:, i]) / row[i], row[i:])
        return beta

    def descended(self, beta: Reals, scale: Reals) -> tuple[Reals, Reals, Reals]:
        """β, α and the error of each channel where the descent from `beta` ends."""
        seen = beta @ self._covariance
        for _ in range(_SWEEPS):
            residual = self._seen - scale[:, None] * seen
            levels = self._grid, self._edges
            moved = _sweep(beta, residual, scale, self._covariance, *levels, self._held)
            seen = (self._seen - residual) / scale[:, None]
            scale = np.maximum(self.scale(seen, beta), _LEAST)
            if not moved:
                break
        rest = self._weights - scale[:, None] * beta
        return beta, scale, (rest * (self._seen - scale[:, None] * seen)).sum(axis=1)


@jit.entry
def _sweep(
    beta: Reals,
    residual: Reals,
    scale: Reals,
    covariance: Reals,
    grid: Reals,
    edges: Reals,
    held: Mask,
) -> int:
    """Move each β but the held ones to its best level in turn; `residual` is (w − αβ)ᵀH.

    Returns how many moved.
    """
    moved = 0
    channels, terms = beta.shape
    for k in range(channels):
        for i in range(terms):
            wanted = beta[k, i] + residual[k, i] / (covariance[i, i] * scale[k])
            level = grid[np.searchsorted(edges, wanted)]
            step = scale[k] * (level - beta[k, i])
            if step != 0 and not held[k, i]:
                moved += 1
                beta[k, i] = level
                for j in range(terms):
                    residual[k, j] -= step * covariance[i, j]
    return moved
