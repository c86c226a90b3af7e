"""Requantization: raw sums to activations, exactly, with a certificate.

y = clip(round_half_even((x · M[c] + C[c]) / 2^S) + zero, lo, hi). Rounding follows ONNX
QuantizeLinear: half to even, then zero point, then saturation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.rationals import Rationals, rationals
from shiftloom.codegen.steps import Line, Steps, positions
from shiftloom.codegen.values import Array, IntArray, IntType

MAX_STEP_BITS = 16
"""Widest output whose steps are proven one by one; wider ones are products without rounding."""

MAX_SHIFT = 61
"""Largest shift whose rounding constant stays inside 64 bits."""

RELOAD_BITS = 2
"""Of a reloadable M: bits above those that the weights of the build need."""

NO_OFFSET = Array(np.int64(0))


@dataclass(frozen=True, slots=True)
class Requantization:
    """Multipliers `m` [C] of `m_bits` bits, offsets C, one shift a layer, zero and clip range.

    `offset` has shape (C,), or () for all channels. `steps` [C, hi − lo], where given, are the
    thresholds that define the function instead: y = lo + #{k : x ≥ T[c, k]}.
    """

    m: Array
    shift: int
    m_bits: int
    out: IntType
    lo: int
    hi: int
    zero: int = 0
    offset: Array = NO_OFFSET
    steps: Array | None = None

    def apply(self, x: IntArray) -> IntArray:
        """The integer function of the hardware on sums [..., C].

        Half to even with one addition: t = x·M + C; (t + 2^(S−1) − 1 + bit_S(t)) >> S.
        """
        if self.steps is not None:
            return self.lo + _count(self.steps.data, x)
        t = x * self.m.data + self.offset.data
        if self.shift:
            t = (t + ((1 << (self.shift - 1)) - 1) + ((t >> self.shift) & 1)) >> self.shift
        clipped: IntArray = np.clip(t + self.zero, self.lo, self.hi)
        return clipped

    @property
    def channels(self) -> int:
        """Number of channels, C."""
        return int(self.m.data.size)

    def offset_bits(self, is_reloadable: bool) -> int:
        """Width of the offsets, 0 if all are 0; others up to four times as large may be loaded."""
        if not self.offset.data.any():
            return 0
        least, most = int(self.offset.data.min()), int(self.offset.data.max())
        return IntType.covering(least, most).bits + RELOAD_BITS * is_reloadable

    @property
    def line(self) -> Line:
        """The exact function x · M / 2^S + C / 2^S of every channel, before rounding."""
        offset = np.broadcast_to(self.offset.data, self.m.data.shape)
        step = rationals(1) / (1 << self.shift)
        return Line(rationals(self.m.data) * step, rationals(offset) * step)


def _count(steps: IntArray, x: IntArray) -> IntArray:
    """How many steps [C, n] of its channel each of x [..., C] has reached."""
    result = np.empty(x.shape, dtype=np.int64)
    for channel, edges in enumerate(steps):
        result[..., channel] = np.searchsorted(edges, x[..., channel], side="right")
    return result


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


def refit(node: str, ratios: npt.NDArray[np.float64], known: Requantization) -> Requantization:
    """`known` with multipliers for other ratios [C]; refuses those beyond its width.

    Its shift, width and bounds are hardware; only the multipliers can be loaded.
    """
    m = np.maximum(np.rint(np.ldexp(ratios, known.shift)), 1)
    limit = (1 << known.m_bits) - 1
    worst = int(np.argmax(m))
    if not m[worst] <= limit:
        raise ShiftloomError(
            node,
            f"channel {worst}: multiplier {m[worst]:.0f}, the build holds those up to {limit}",
            "build again with these weights",
        )
    return replace(known, m=Array(m.astype(np.int64)), offset=NO_OFFSET)


@lru_cache(maxsize=64)
def thresholds(requant: Requantization) -> IntArray:
    """Ascending thresholds [C, hi − lo] of the same function: y = lo + #{k : x ≥ T[c, k]}."""
    if requant.steps is not None:
        return requant.steps.data
    far = 1 << 62
    return positions(requant.line, requant.zero, requant.lo, requant.hi, -far, far)


def certify(
    node: str, requant: Requantization, reference: Line, lo: npt.ArrayLike, hi: npt.ArrayLike
) -> Certificate:
    """Prove `requant` equal to the exact `reference` on the sums [lo, hi] of each channel.

    Raises ShiftloomError naming the node, the channel and the first sum that differs.
    """
    if requant.channels != reference.channels:
        raise ShiftloomError(
            node, f"{requant.channels} multipliers for {reference.channels} channels", "rebuild"
        )
    lo, hi = (np.broadcast_to(np.asarray(v, np.int64), requant.m.data.shape) for v in (lo, hi))
    if requant.shift == 0 and requant.out.bits > MAX_STEP_BITS:
        return _certify_exact(node, requant, reference, int(lo.min()), int(hi.max()))
    edges = positions(reference, requant.zero, requant.lo, requant.hi, lo, hi)
    return certify_steps(node, requant, Steps(edges, lo, hi), reference.ratio)


def certify_steps(
    node: str, requant: Requantization, steps: Steps, ratio: Rationals
) -> Certificate:
    """Compare `requant` with the function of `steps` at every step, before it, and at the ends."""
    points = steps.probes()
    expected = requant.lo + steps.count(points)
    got = requant.apply(points.T).T
    wrong = got != expected
    if wrong.any():
        channel = int(np.flatnonzero(wrong.any(axis=1))[0])
        at = int(np.flatnonzero(wrong[channel])[0])
        raise ShiftloomError(
            node,
            f"channel {channel}: sum {points[channel, at]} requantizes to {got[channel, at]}, "
            f"the reference {ratio[channel]} gives {expected[channel, at]}",
            "use a wider multiplier (m_bits) or requant: thresholds",
        )
    lo, hi = int(steps.lo.min()), int(steps.hi.max())
    return Certificate(node, requant.channels, steps.reached(), lo, hi)


def _certify_exact(
    node: str, requant: Requantization, reference: Line, lo: int, hi: int
) -> Certificate:
    """Without shift the function is x·M + C, at most rectified: equal if its factors are."""
    line, top = requant.line, int(requant.m.data.max())
    least = lo * top + int(requant.offset.data.min())
    most = hi * top + int(requant.offset.data.max())
    if requant.zero or most > requant.hi or (requant.lo != 0 and least < requant.lo):
        raise ShiftloomError(
            node, f"[{requant.lo}, {requant.hi}] clips {least} to {most}", "rebuild"
        )
    for channel in range(reference.channels):
        if line.at(channel) != reference.at(channel):
            raise ShiftloomError(
                node,
                f"channel {channel}: multiplier {line.ratio[channel]}, "
                f"reference {reference.ratio[channel]}",
                "rebuild from the quantized graph",
            )
    return Certificate(node, reference.channels, reference.channels, lo, hi)
