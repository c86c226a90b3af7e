"""Scaled adds: integers m1, m2, c and a shift for the sum of two activations."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering.operand import Added, Lattice
from shiftloom.codegen.qgraph import ScaledAdd
from shiftloom.codegen.requant import Certificate
from shiftloom.codegen.values import IntArray

MAX_FACTOR_BITS = 25
"""Widest factor of an activation, the wide port of a DSP48E1."""
MAX_PAIRS = 1 << 18
"""Most pairs of activations that are compared one by one."""
_NEAR = 2.0**-40
_NONE = 1 << 61


@dataclass(frozen=True, slots=True, eq=False)
class _Plane:
    """r₁·a + r₂·b + o, exact, on the pairs of two ranges of integers."""

    ratios: tuple[Fraction, Fraction]
    offset: Fraction
    a: IntArray
    b: IntArray

    @staticmethod
    def of(added: Added, lattice: Lattice) -> _Plane:
        """The real sum in steps of the lattice, before its zero point."""
        first, second = (
            sign * x.step / lattice.scale
            for sign, x in zip(added.signs, (added.a, added.b), strict=True)
        )
        offset = -first * added.a.origin - second * added.b.origin
        ranges = (np.arange(low, high + 1) for low, high in (added.a.bounds(), added.b.bounds()))
        return _Plane((first, second), offset, *ranges)

    def rounded(self) -> IntArray:
        """The nearest integers [A, B], half to even; fractions decide whatever is near a half."""
        first, second = map(float, self.ratios)
        real = first * self.a[:, None] + second * self.b[None, :] + float(self.offset)
        result: IntArray = np.rint(real).astype(np.int64)
        slack = _NEAR * (1 + np.abs(real).max())
        near = np.abs(real - np.floor(real) - 0.5) <= slack
        for i, j in zip(*np.nonzero(near), strict=True):
            result[i, j] = round(
                self.ratios[0] * int(self.a[i]) + self.ratios[1] * int(self.b[j]) + self.offset
            )
        return result


def least(added: Added) -> Fraction:
    """The smallest real value of the sum."""
    total = Fraction(0)
    for sign, x in zip(added.signs, (added.a, added.b), strict=True):
        total += min(sign * x.step * (q - x.origin) for q in x.bounds())
    return total


def approximate(added: Added, lattice: Lattice, m_bits: int) -> ScaledAdd:
    """The add that defines a calibrated sum: the largest shift whose factors fit `m_bits` bits."""
    plane = _Plane.of(added, lattice)
    top = max(abs(ratio) for ratio in plane.ratios)
    shift = 0
    while round(top * (2 << shift)) < 1 << m_bits:
        shift += 1
    return _unit(plane, shift, round(plane.offset * (1 << shift)), lattice)


def exact(node: str, added: Added, lattice: Lattice) -> tuple[ScaledAdd, Certificate]:
    """The add of the smallest shift that is equal on every pair; refuses where there is none."""
    plane = _Plane.of(added, lattice)
    if plane.a.size * plane.b.size > MAX_PAIRS:
        raise ShiftloomError(
            node,
            f"adds {added.a.type} and {added.b.type}, {plane.a.size * plane.b.size} pairs",
            f"at most {MAX_PAIRS} are compared; quantize them to 8 bits",
        )
    wanted = np.clip(plane.rounded() + int(lattice.zero), lattice.lo, lattice.hi)
    top = max(abs(ratio) for ratio in plane.ratios)
    for shift in range(MAX_FACTOR_BITS + 24):
        if round(top * (1 << shift)) >> MAX_FACTOR_BITS:
            break
        unit = _at_shift(plane, shift, wanted, lattice)
        if unit is not None:
            low = (added.a.bounds(), added.b.bounds())
            assert np.array_equal(unit.apply(plane.a[:, None], plane.b[None, :]), wanted)
            lo, hi = min(low[0][0], low[1][0]), max(low[0][1], low[1][1])
            return unit, Certificate(node, 1, wanted.size, lo, hi)
    raise ShiftloomError(
        node,
        f"no factors of {MAX_FACTOR_BITS} bits add exactly",
        "use scales of similar size",
    )


def _unit(plane: _Plane, shift: int, c: int, lattice: Lattice) -> ScaledAdd:
    m1, m2 = (round(ratio * (1 << shift)) for ratio in plane.ratios)
    return ScaledAdd(m1, m2, c, shift, lattice.lo, lattice.hi, int(lattice.zero))


def _at_shift(plane: _Plane, shift: int, wanted: IntArray, lattice: Lattice) -> ScaledAdd | None:
    """The add with factors next to the ideal ones and a constant that makes it equal, or None."""
    nearest = tuple(round(ratio * (1 << shift)) for ratio in plane.ratios)
    level = wanted - int(lattice.zero)
    reached = np.where(wanted > lattice.lo, _bound(level, shift), -_NONE)
    beyond = np.where(wanted < lattice.hi, _bound(level + 1, shift), _NONE)
    for d1, d2 in sorted(product((0, 1, -1), repeat=2), key=lambda d: abs(d[0]) + abs(d[1])):
        m1, m2 = nearest[0] + d1, nearest[1] + d2
        sums = m1 * plane.a[:, None] + m2 * plane.b[None, :]
        least, most = int((reached - sums).max()), int((beyond - sums).min()) - 1
        if least <= most:
            c = min(max(0, least), most)
            return ScaledAdd(m1, m2, c, shift, lattice.lo, lattice.hi, int(lattice.zero))
    return None


def _bound(level: IntArray, shift: int) -> IntArray:
    """The smallest integer t with round_half_even(t / 2^shift) ≥ level."""
    half = 1 << max(shift - 1, 0)
    result: IntArray = (2 * level - 1) * half + (level % 2 != 0)
    return result if shift else level
