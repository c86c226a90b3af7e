"""Multipliers, offsets and a shift that equal an exact reference on every reachable sum.

x·M + C reaches step k (its rounded value is at least k) from the integer B[k] on, so equality is a
system of inequalities in (M, C): at the step's position T[k] it has reached B[k], before it not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.rationals import floats
from shiftloom.codegen.requant import (
    NO_OFFSET,
    Certificate,
    Requantization,
    certify_steps,
)
from shiftloom.codegen.steps import Line, Steps, positions, sign_positions
from shiftloom.codegen.values import Array, IntArray, IntType

MAX_M_BITS = 34
"""Widest multiplier: two DSP48E1 blocks take it times a sum of 25 bits."""
MAX_THRESHOLD_BITS = 8
"""Widest output that is compared with thresholds where no multiplier is exact."""
_ROOM = 1 << 61
"""Products and offsets stay below, so that their rounding stays inside 64 bits."""


def fit_exact(
    node: str,
    line: Line,
    zero: int,
    lo: int,
    hi: int,
    out: IntType,
    reach: tuple[IntArray, IntArray],
) -> tuple[Requantization, Certificate]:
    """The narrowest requantization equal to clip(round_half_even(r·x + o) + zero, lo, hi).

    `reach` are the smallest and the largest sum of each channel. Raises ShiftloomError naming
    `node` where neither multipliers nor thresholds can be equal.
    """
    first, last = (np.broadcast_to(v, (line.channels,)) for v in reach)
    steps = Steps(positions(line, zero, lo, hi, first, last), first, last)
    return _fit(node, line, steps, Requantization(NO_OFFSET, 0, 1, out, lo, hi, zero))


def fit_sign(
    node: str, line: Line, out: IntType, reach: tuple[IntArray, IntArray]
) -> tuple[Requantization, Certificate]:
    """The requantization that is 1 where r·x + o ≥ 0, and 0 below: an offset without product."""
    line = Line(line.ratio / line.ratio, line.offset / line.ratio)
    first, last = (np.broadcast_to(v, (line.channels,)) for v in reach)
    steps = Steps(sign_positions(line, first, last), first, last)
    return _fit(node, line, steps, Requantization(NO_OFFSET, 0, 1, out, 0, 1))


def _fit(
    node: str, line: Line, steps: Steps, template: Requantization
) -> tuple[Requantization, Certificate]:
    function = multiplied(line, steps, template)
    if function is None:
        function = _by_thresholds(node, steps, template)
    return function, certify_steps(node, function, steps, line.ratio)


def multiplied(line: Line, steps: Steps, template: Requantization) -> Requantization | None:
    """The requantization of the fewest multiplier bits, or None if 34 are not enough."""
    ratio = floats(line.ratio)
    top = float(ratio.max())
    farthest = int(max(np.abs(steps.lo).max(), np.abs(steps.hi).max(), 1))
    for m_bits in range(1, MAX_M_BITS + 1):
        shift = m_bits - int(np.floor(np.log2(top))) - 1
        if shift > 0 and np.rint(np.ldexp(top, shift)) >= 1 << m_bits:
            shift -= 1
        if shift < 0:
            continue
        levels = max(abs(template.lo - template.zero), abs(template.hi - template.zero)) + 1
        if farthest << m_bits >= _ROOM or (2 * levels) << shift >= _ROOM:
            return None
        found = _at_shift(np.ldexp(ratio, shift), shift, steps, template)
        if found is not None:
            m, offset = found
            return _made(template, m, offset, shift)
    return None


def _made(template: Requantization, m: IntArray, offset: IntArray, shift: int) -> Requantization:
    return Requantization(
        Array(m),
        shift,
        int(m.max()).bit_length(),
        template.out,
        template.lo,
        template.hi,
        template.zero,
        Array(offset) if offset.any() else NO_OFFSET,
    )


def _at_shift(
    ideal: npt.NDArray[np.float64], shift: int, steps: Steps, template: Requantization
) -> tuple[IntArray, IntArray] | None:
    """(M, C) of every channel for one shift: the nearest M that some C makes equal, or None."""
    level = np.arange(template.lo + 1, template.hi + 1) - template.zero
    bound = level if shift == 0 else (2 * level - 1) * (1 << (shift - 1)) + (level % 2 != 0)
    nearest = np.maximum(np.rint(ideal).astype(np.int64), 1)
    m, offset = nearest.copy(), np.zeros_like(nearest)
    left = np.arange(len(nearest))
    for change in (0, 1, -1):
        tried = np.maximum(nearest[left] + change, 1)
        least, most = _offsets(tried, bound, steps, left)
        equal = least <= most
        fits = left[equal]
        m[fits], offset[fits] = tried[equal], np.clip(0, least[equal], most[equal])
        left = left[~equal]
        if not left.size:
            return m, offset
    return None


def _offsets(
    m: IntArray, bound: IntArray, steps: Steps, channels: IntArray
) -> tuple[IntArray, IntArray]:
    """The range of offsets that make multipliers `m` of `channels` equal to the steps."""
    edges = steps.edges[channels]
    first, last = steps.lo[channels, None], steps.hi[channels, None]
    at_edge = bound - edges * m[:, None]
    least = np.where(edges <= last, at_edge, -_ROOM).max(axis=1, initial=-_ROOM)
    before = np.where(edges > first, at_edge + m[:, None] - 1, _ROOM).min(axis=1, initial=_ROOM)
    return least, before


def _by_thresholds(node: str, steps: Steps, template: Requantization) -> Requantization:
    if template.out.bits > MAX_THRESHOLD_BITS:
        raise ShiftloomError(
            node,
            f"no multiplier of {MAX_M_BITS} bits rounds to {template.out} exactly",
            f"use activations of at most {MAX_THRESHOLD_BITS} bits, which thresholds make",
        )
    return Requantization(
        Array(np.ones(len(steps.edges), dtype=np.int64)),
        0,
        1,
        template.out,
        template.lo,
        template.hi,
        template.zero,
        NO_OFFSET,
        Array(steps.edges),
    )
