"""Levels and one scale a vector of the least squared error: the optimum, by one sweep over α.

The best β for a scale α are the levels nearest to W/α. As α falls, a weight goes from one magnitude
of level, m, to the next, m', at the place α = 2|w| / (m + m'). Between two places β stays, its
best scale is ⟨W, β⟩ / ⟨β, β⟩ and lowers the squared error by ⟨W, β⟩² / ⟨β, β⟩. So the sweep passes
the places of all weights in order, and keeps the scale that lowers it most. It ends where the
weights beyond the largest level cost more by themselves than all weights do at that scale.
"""

from __future__ import annotations

import numpy as np

from shiftloom.codegen import jit
from shiftloom.codegen.formats.levels import both_signs
from shiftloom.codegen.quantizers.fixed_point import Vectors
from shiftloom.codegen.quantizers.nearest import nearest
from shiftloom.codegen.values import IntArray


def least_squares(
    vectors: Vectors,
    magnitudes: tuple[int, ...],
    low: Vectors | None = None,
    high: Vectors | None = None,
) -> tuple[IntArray, Vectors]:
    """β [V, N], signed `magnitudes` (ascending from 0), and α [V], 0 where β vanishes.

    No other β and α ≥ 0 are nearer to `vectors` [V, N]; of those that are nearest levels for some
    scale from `low` to `high` [V], where these are given.
    """
    none, all_of_them = np.zeros(len(vectors)), np.full(len(vectors), np.inf)
    scale = _sweep(
        np.sort(np.abs(vectors), axis=1),
        np.array(magnitudes, dtype=np.float64),
        none if low is None else low,
        all_of_them if high is None else high,
    )
    beta = nearest(vectors, scale[:, None], both_signs(magnitudes))
    return beta, solved(vectors, beta)


def solved(vectors: Vectors, beta: IntArray) -> Vectors:
    """Least-squares α = ⟨W, β⟩ / ⟨β, β⟩ of each vector, 0 where β vanishes."""
    norm = (beta * beta).sum(axis=1)
    dot: Vectors = (vectors * beta).sum(axis=1)
    return np.where(norm > 0, dot / np.maximum(norm, 1), 0.0)


@jit.entry
def _sweep(ascending: Vectors, levels: Vectors, low: Vectors, high: Vectors) -> Vectors:
    """The best scale of each row of magnitudes."""
    steps, length = len(levels) - 1, ascending.shape[1]
    leaves = 1
    while leaves < steps:
        leaves *= 2
    factor, place = 2 / (levels[1:] + levels[:-1]), np.zeros(leaves)
    left, first = np.empty(steps, np.int64), np.empty(2 * leaves, np.int64)
    scale = np.zeros(len(ascending))
    for v in range(len(ascending)):
        row = ascending[v]
        place[:steps], left[:] = row[length - 1] * factor, length - 1
        first[leaves:] = np.arange(leaves)
        for node in range(leaves - 1, 0, -1):
            first[node] = first[2 * node]  # the places fall from level to level
        dot, norm, best, step = 0.0, 0.0, 0.0, 0
        energy, inside, count, total, square = (row * row).sum(), length, 0, 0.0, 0.0
        while place[step] > low[v]:
            if step == steps - 1:
                end = place[step] * levels[steps]
                while inside > 0 and row[inside - 1] > end:
                    inside -= 1
                    count += 1
                    total += row[inside]
                    square += row[inside] ** 2
                if square - 2 * end * total + count * end * end > energy - best:
                    break
            weight = row[left[step]]
            dot += weight * (levels[step + 1] - levels[step])
            norm += levels[step + 1] ** 2 - levels[step] ** 2
            left[step] -= 1
            place[step] = row[left[step]] * factor[step] if left[step] >= 0 else 0.0
            step = _next(first, place, step)
            if place[step] <= high[v] and dot * dot >= best * norm:
                best, scale[v] = dot * dot / norm, dot / norm
    return scale


@jit.entry
def _next(first: IntArray, place: Vectors, step: int) -> int:
    """The step of the largest place, after that of `step` has changed, by a tree of winners."""
    node = (len(place) + step) // 2
    while node:
        one, other = first[2 * node], first[2 * node + 1]
        first[node] = one if place[one] >= place[other] else other
        node //= 2
    return int(first[1])
