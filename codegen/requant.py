"""Requantization: raw sums to activations, exactly, with a certificate.

y = clip(round_half_even(x · M[c] / 2^S) + zero, lo, hi). Rounding follows ONNX QuantizeLinear:
half to even, then zero point, then saturation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import Array, IntArray, IntType

MAX_STEP_BITS = 16
"""Widest output whose steps are proven one by one; wider ones are products without rounding."""

MAX_SHIFT = 61
"""Largest shift whose rounding constant stays inside 64 bits."""


@dataclass(frozen=True, slots=True)
class Requantization:
    """Multipliers `m` [C] of `m_bits` bits, one shift a layer, zero point and clip range."""

    m: Array
    shift: int
    m_bits: int
    out: IntType
    lo: int
    hi: int
    zero: int = 0

    def apply(self, x: IntArray) -> IntArray:
        """The integer function of the hardware on sums [..., C].

        Half to even with one addition: t = x·M; (t + 2^(S−1) − 1 + bit_S(t)) >> S.
        """
        t = x * self.m.data
        if self.shift:
            t = (t + ((1 << (self.shift - 1)) - 1) + ((t >> self.shift) & 1)) >> self.shift
        clipped: IntArray = np.clip(t + self.zero, self.lo, self.hi)
        return clipped

    def ratio(self, channel: int) -> Fraction:
        """The exact scale M / 2^S of a channel."""
        return Fraction(int(self.m.data[channel]), 1 << self.shift)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Proof that a requantization equals its reference on all sums of [lo, hi].

    Both are monotone, so equality at their step positions (`steps` of them) is equality everywhere.
    """

    node: str
    channels: int
    steps: int
    lo: int
    hi: int


def fit(
    node: str, ratios: npt.NDArray[np.float64], m_bits: int, out: IntType, lo: int, hi: int
) -> Requantization:
    """Multipliers for real ratios [C]: the largest shift at which all of them fit `m_bits` bits."""
    top = float(ratios.max())
    if not np.isfinite(top) or top <= 0:
        raise ShiftloomError(node, f"requantization ratio {top}", "calibrate on other data")
    limit = (1 << m_bits) - 1
    shift = m_bits - int(np.floor(np.log2(top))) - 1
    if shift > MAX_SHIFT:
        raise ShiftloomError(
            node, f"requantization ratio {top:.3g} is below 2^-{MAX_SHIFT}", "check the model"
        )
    while shift > 0 and np.rint(np.ldexp(top, shift)) > limit:
        shift -= 1
    m = np.rint(np.ldexp(ratios, shift)).astype(np.int64)
    if shift < 0 or int(m.max()) > limit:
        raise ShiftloomError(
            node, f"requantization ratio {top:.3g} exceeds {limit}", "use wider activations"
        )
    return Requantization(Array(np.maximum(m, 1)), shift, m_bits, out, lo, hi)


def step_positions(ratio: Fraction, zero: int, lo: int, hi: int) -> list[int]:
    """Smallest x with round_half_even(x·ratio) + zero ≥ k, for k = lo + 1 … hi.

    x·ratio ≥ k − zero − 1/2; at equality (a tie) the even neighbour wins, so an odd k takes x + 1.
    """
    positions = []
    for k in range(lo + 1, hi + 1):
        edge = (Fraction(k - zero) - Fraction(1, 2)) / ratio
        ceiling = -((-edge.numerator) // edge.denominator)
        tie = edge.denominator == 1 and (k - zero) % 2 != 0
        positions.append(ceiling + tie)
    return positions


def certify(
    node: str, requant: Requantization, reference: tuple[Fraction, ...], lo: int, hi: int
) -> Certificate:
    """Prove `requant` equal to the exact ratios `reference` on all sums of [lo, hi], or refuse.

    Raises ShiftloomError naming the node, the channel and the first sum that differs.
    """
    if requant.m.data.shape != (len(reference),):
        raise ShiftloomError(
            node, f"{requant.m.data.size} multipliers for {len(reference)} channels", "rebuild"
        )
    if requant.shift == 0 and requant.out.bits > MAX_STEP_BITS:
        return _certify_exact(node, requant, reference, lo, hi)
    steps = 0
    by_ratio: dict[Fraction, tuple[IntArray, IntArray]] = {}
    for channel, ratio in enumerate(reference):
        if ratio not in by_ratio:
            by_ratio[ratio] = _probe_points(requant, ratio, lo, hi)
        points, expected = by_ratio[ratio]
        got = _one_channel(requant, channel).apply(points[:, None])[:, 0]
        if not np.array_equal(got, expected):
            at = int(np.flatnonzero(got != expected)[0])
            raise ShiftloomError(
                node,
                f"channel {channel}: sum {points[at]} requantizes to {got[at]}, "
                f"the reference {ratio} gives {expected[at]}",
                "use a wider multiplier (m_bits) or requant: thresholds",
            )
        steps += len(points)
    return Certificate(node, len(reference), steps, lo, hi)


@lru_cache(maxsize=64)
def thresholds(requant: Requantization) -> IntArray:
    """Ascending thresholds [C, hi − lo] of the same function: y = lo + #{k : x ≥ T[c, k]}."""
    rows = [
        step_positions(requant.ratio(c), requant.zero, requant.lo, requant.hi)
        for c in range(requant.m.data.size)
    ]
    return np.array(rows, dtype=np.int64)


def _certify_exact(
    node: str, requant: Requantization, reference: tuple[Fraction, ...], lo: int, hi: int
) -> Certificate:
    """Without shift the function is x·M, at most rectified: equal if its factors are."""
    top = int(requant.m.data.max())
    if requant.zero or hi * top > requant.hi or (requant.lo != 0 and lo * top < requant.lo):
        raise ShiftloomError(
            node, f"[{requant.lo}, {requant.hi}] clips {lo * top} to {hi * top}", "rebuild"
        )
    for channel, ratio in enumerate(reference):
        if ratio != int(requant.m.data[channel]):
            raise ShiftloomError(
                node,
                f"channel {channel}: multiplier {requant.m.data[channel]}, reference {ratio}",
                "rebuild from the quantized graph",
            )
    return Certificate(node, len(reference), len(reference), lo, hi)


def _one_channel(requant: Requantization, channel: int) -> Requantization:
    return replace(requant, m=Array(requant.m.data[channel : channel + 1]))


def _probe_points(
    requant: Requantization, ratio: Fraction, lo: int, hi: int
) -> tuple[IntArray, IntArray]:
    """Every step position, the sum before it, and the range's ends, with the exact values."""
    edges = np.array(step_positions(ratio, requant.zero, requant.lo, requant.hi), dtype=np.int64)
    points = np.unique(np.concatenate([edges, edges - 1, [lo, hi]]))
    points = points[(points >= lo) & (points <= hi)]
    expected = requant.lo + np.searchsorted(edges, points, side="right")
    return points, expected
