"""Scaled adds of imported activations: equal on every pair, with the smallest shift."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refuses

from shiftloom.codegen.lowering import adding
from shiftloom.codegen.lowering.operand import Added, Integers, Lattice
from shiftloom.codegen.rationals import rationals
from shiftloom.codegen.values import IntType

scales = st.floats(2.0**-8, 2.0**-4, width=32).map(Fraction)


def activations(kind: IntType, scale: Fraction, zero: int = 0) -> Integers:
    lo, hi = np.array(kind.lo), np.array(kind.hi)
    return Integers("x", kind, lo, hi, rationals(scale), rationals(zero), True)


INT8 = IntType(8, True)


def lattice(scale: Fraction, zero: int = 0, kind: IntType = INT8) -> Lattice:
    return Lattice(kind, scale, Fraction(zero), kind.lo, kind.hi)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.tuples(scales, scales, scales),
    zeros=st.tuples(*(st.integers(-128, 127),) * 3),
    sign=st.sampled_from([1, -1]),
)
def test_an_imported_sum_is_exact(
    steps: tuple[Fraction, Fraction, Fraction], zeros: tuple[int, int, int], sign: int
) -> None:
    kind = IntType(8, True)
    a, b = (activations(kind, s, z) for s, z in zip(steps[:2], zeros[:2], strict=True))
    unit, certificate = adding.exact("sum", Added(a, b, (1, sign)), lattice(steps[2], zeros[2]))
    assert certificate.steps == 65536
    rng = np.random.default_rng(0)
    for p, q in rng.integers(-128, 128, (500, 2)):
        real = steps[0] * (int(p) - zeros[0]) + sign * steps[1] * (int(q) - zeros[1])
        wanted = min(max(round(real / steps[2]) + zeros[2], -128), 127)
        assert unit.apply(np.array(p), np.array(q)) == wanted


def test_a_sum_of_equal_scales_needs_no_product() -> None:
    kind = IntType(8, False)
    x = activations(kind, Fraction(1, 16))
    unit, _ = adding.exact("sum", Added(x, x, (1, 1)), lattice(Fraction(1, 8), 0, kind))
    assert (unit.m1, unit.m2, unit.c, unit.shift) == (1, 1, 0, 1)
    rectified = Lattice(IntType(8, True), Fraction(1, 16), Fraction(0), 0, 127)
    unit, _ = adding.exact("sum", Added(x, x, (1, -1)), rectified)
    assert (unit.m1, unit.m2, unit.shift) == (1, -1, 0)


def test_a_calibrated_sum_has_factors_of_few_bits() -> None:
    kind = IntType(8, False)
    a, b = activations(kind, Fraction(1, 100), 7), activations(kind, Fraction(1, 30), 3)
    unit = adding.approximate(Added(a, b, (1, 1)), lattice(Fraction(1, 20), 0, kind), 8)
    assert 128 <= max(unit.m1, unit.m2) < 256
    p, q = np.meshgrid(np.arange(256), np.arange(256))
    exact = ((p - 7) / 100 + (q - 3) / 30) * 20
    assert np.abs(unit.apply(p, q) - np.clip(exact, 0, 255)).max() <= 1.2


def test_sums_that_cannot_be_compared_are_refused() -> None:
    wide = activations(IntType(12, False), Fraction(1, 16))
    with refuses(
        "sum: adds uint12 and uint12, 16777216 pairs; "
        "at most 262144 are compared; quantize them to 8 bits"
    ):
        adding.exact("sum", Added(wide, wide, (1, 1)), lattice(Fraction(1, 16)))


def test_sums_of_too_different_scales_are_refused() -> None:
    kind = IntType(8, True)
    a, b = activations(kind, Fraction(2) ** 30 / 3), activations(kind, Fraction(1, 3))
    with refuses("sum: no factors of 25 bits add exactly; use scales of similar size"):
        adding.exact("sum", Added(a, b, (1, 1)), lattice(Fraction(1)))
