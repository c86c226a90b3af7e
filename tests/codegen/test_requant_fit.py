"""Fitting multipliers and offsets to exact rational references: equal everywhere, or refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refuses

from shiftloom.codegen import requant_fit
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.requant_fit import fit_exact, fit_sign
from shiftloom.codegen.steps import Line
from shiftloom.codegen.values import IntArray, IntType

scales = st.floats(2.0**-16, 1.0, width=32).map(Fraction)
biases = st.integers(-(1 << 20), 1 << 20)


def lines(ratios: list[Fraction], offsets: list[Fraction]) -> Line:
    return Line(np.array(ratios, dtype=object), np.array(offsets, dtype=object))


def sums(lo: IntArray, hi: IntArray, rng: np.random.Generator) -> IntArray:
    """The ends of every channel's range and random sums inside, [N, C]."""
    return np.concatenate([[lo], [hi], rng.integers(lo, hi, (4000, len(lo)), endpoint=True)])


@settings(max_examples=40, deadline=None)
@given(
    channels=st.lists(st.tuples(scales, scales, biases), min_size=1, max_size=8),
    scale=scales,
    zero=st.integers(-128, 127),
    seed=st.integers(0, 99),
)
def test_an_imported_requantization_is_exact(
    channels: list[tuple[Fraction, Fraction, int]], scale: Fraction, zero: int, seed: int
) -> None:
    """Ratios of float32 scales, biases whose float32 scale is a rounded product."""
    rng = np.random.default_rng(seed)
    ratios = [x * w / scale / 64 for x, w, _ in channels]
    offsets = [
        bias * (Fraction(float(np.float32(x * w))) - x * w) / scale for x, w, bias in channels
    ]
    reach = [min(1 << 22, int(400 / ratio) + 2) for ratio in ratios]
    hi = np.array(reach, dtype=np.int64)
    out = IntType(8, True)
    function, certificate = fit_exact(
        "conv", lines(ratios, offsets), zero, -128, 127, out, (-hi, hi)
    )
    x = sums(-hi, hi, rng)
    got = function.apply(x)
    for row, values in zip(x, got, strict=True):
        for c, value in enumerate(values):
            exact = round(ratios[c] * int(row[c]) + offsets[c]) + zero
            assert value == min(max(exact, -128), 127)
    assert certificate.channels == len(channels)
    assert certificate.hi == hi.max()
    assert int(function.m.data.max()) < 1 << requant_fit.MAX_M_BITS


def test_the_narrowest_multiplier_is_taken() -> None:
    hi = np.array([1000])
    function, _ = fit_exact(
        "conv", lines([Fraction(1, 8)], [Fraction(0)]), 0, 0, 255, IntType(8, False), (hi * 0, hi)
    )
    assert (function.m.data.tolist(), function.shift, function.m_bits) == ([1], 3, 1)
    assert not function.offset.data.any()


def test_where_no_multiplier_is_exact_thresholds_are() -> None:
    """Ratios so far apart that one shift cannot serve both."""
    ratios = [Fraction(1, 3), Fraction(1, 3 * 2**30)]
    hi = np.array([1000, 1 << 40])
    out = IntType(4, False)
    line = lines(ratios, [Fraction(0), Fraction(0)])
    function, certificate = fit_exact("conv", line, 0, 0, 15, out, (-hi, hi))
    assert function.steps is not None
    x = sums(-hi, hi, np.random.default_rng(0))
    for channel, ratio in enumerate(ratios):
        exact = [min(max(round(ratio * int(v)), 0), 15) for v in x[:, channel]]
        assert function.apply(x)[:, channel].tolist() == exact
    assert certificate.steps > 15
    with refuses(
        "conv: no multiplier of 34 bits rounds to uint9 exactly; "
        "use activations of at most 8 bits, which thresholds make"
    ):
        fit_exact("conv", line, 0, 0, 511, IntType(9, False), (-hi, hi))


@given(
    zeros=st.lists(st.fractions(-50, 50), min_size=1, max_size=5),
    ratio=st.fractions(Fraction(1, 99), 9),
)
def test_a_sign_is_one_from_zero_on(zeros: list[Fraction], ratio: Fraction) -> None:
    line = lines([ratio] * len(zeros), [-ratio * zero for zero in zeros])
    reach = np.full(len(zeros), 60)
    function, _ = fit_sign("conv", line, IntType(1, False), (-reach, reach))
    assert function.m_bits == 1
    x = np.repeat(np.arange(-60, 61)[:, None], len(zeros), axis=1)
    expected = [[int(v >= zero) for zero in zeros] for v in range(-60, 61)]
    assert function.apply(x).tolist() == expected


def test_a_function_that_never_rises_is_a_constant() -> None:
    hi = np.array([3])
    line = lines([Fraction(1, 1000)], [Fraction(7)])
    function, _ = fit_exact("conv", line, 0, 0, 255, IntType(8, False), (-hi, hi))
    assert isinstance(function, Requantization)
    assert function.apply(np.array([[-3], [0], [3]])).tolist() == [[7], [7], [7]]
