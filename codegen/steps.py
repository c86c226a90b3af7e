"""Step positions of rounded lines: where clip(round_half_even(r·x + o) + zero, lo, hi) rises.

Positions are computed in float64 and, wherever that could be wrong, again in exact fractions.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.rationals import Rationals, floats
from shiftloom.codegen.values import IntArray

_SLACK = 2.0**-47
"""Relative bound of the float64 error of a position, several times what it can be."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """x · ratio[c] + offset[c], exact, with ratios above 0; both of shape (C,)."""

    ratio: Rationals
    offset: Rationals

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.ratio.size)

    def at(self, channel: int) -> tuple[Fraction, Fraction]:
        """Ratio and offset of a channel."""
        return self.ratio[channel], self.offset[channel]


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Ascending `edges` [C, n] of a step function on the sums [lo, hi] of each channel."""

    edges: IntArray
    lo: IntArray
    hi: IntArray

    def probes(self) -> IntArray:
        """Every edge and the sum before it, and the ends of the range: [C, 2n + 2]."""
        lo, hi = self.lo[:, None], self.hi[:, None]
        points = np.concatenate([self.edges, self.edges - 1, lo, hi], axis=1)
        clipped: IntArray = np.sort(np.clip(points, lo, hi), axis=1)
        return clipped

    def count(self, points: IntArray) -> IntArray:
        """How many edges each of `points` [C, m] has reached."""
        result = np.empty(points.shape, dtype=np.int64)
        for channel, edges in enumerate(self.edges):
            result[channel] = np.searchsorted(edges, points[channel], side="right")
        return result

    def reached(self) -> int:
        """Number of points the functions are compared at, equal ones counted once."""
        points = self.probes()
        return int((np.diff(points, axis=1) != 0).sum()) + len(points)


def positions(
    line: Line, zero: int, lo: int, hi: int, reach_lo: npt.ArrayLike, reach_hi: npt.ArrayLike
) -> IntArray:
    """Smallest x with round_half_even(r·x + o) + zero ≥ k, for k = lo + 1 … hi: [C, hi − lo].

    r·x + o ≥ k − zero − 1/2; at equality (a tie) the even neighbour wins, so an odd k − zero takes
    x + 1. Positions outside the reach are given as its first x or the one behind its last.
    """
    level = np.arange(lo + 1, hi + 1) - zero
    return _ceil(line, level - 0.5, level % 2 != 0, reach_lo, reach_hi)


def sign_positions(line: Line, reach_lo: npt.ArrayLike, reach_hi: npt.ArrayLike) -> IntArray:
    """Smallest x with r·x + o ≥ 0: [C, 1]."""
    return _ceil(line, np.zeros(1), np.zeros(1, dtype=bool), reach_lo, reach_hi)


def _ceil(
    line: Line,
    value: npt.NDArray[Any],
    beyond: npt.NDArray[np.bool_],
    reach_lo: npt.ArrayLike,
    reach_hi: npt.ArrayLike,
) -> IntArray:
    """Smallest x with r·x + o ≥ value, or > value where `beyond`; [C, n], clipped to the reach."""
    first = np.broadcast_to(np.asarray(reach_lo, np.int64), (line.channels,))[:, None]
    last = np.broadcast_to(np.asarray(reach_hi, np.int64), (line.channels,))[:, None]
    ratio, offset = floats(line.ratio)[:, None], floats(line.offset)[:, None]
    edge = (value - offset) / ratio
    slack = _SLACK * (np.abs(value) + np.abs(offset) + 1) / ratio + _SLACK * np.abs(edge)
    inside = (edge >= first - 2 - slack) & (edge <= last + 2 + slack)
    result = np.where(edge < first, first, last + 1)
    result[inside] = np.ceil(edge[inside]).astype(np.int64)
    doubtful = inside & (np.abs(edge - np.rint(edge)) <= slack)
    for channel, k in zip(*np.nonzero(doubtful), strict=True):
        exact = (Fraction(value[k]) - line.offset[channel]) / line.ratio[channel]
        ceiling = -(-exact.numerator // exact.denominator)
        result[channel, k] = ceiling + bool(exact.denominator == 1 and beyond[k])
    clipped: IntArray = np.clip(result, first, last + 1)
    return clipped
