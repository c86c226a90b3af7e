"""Requantization against exact fractions, its certificate, and the same function as thresholds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refuses

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.rationals import rationals
from shiftloom.codegen.requant import (
    MAX_SHIFT,
    Requantization,
    certify,
    fit,
    thresholds,
)
from shiftloom.codegen.steps import Line, positions
from shiftloom.codegen.values import Array, IntType

UINT8, INT8, INT32 = IntType(8, False), IntType(8, True), IntType(32, True)
WAY_OUT = "use a wider multiplier (m_bits) or requant: thresholds"


def function(
    m: tuple[int, ...], shift: int, out: IntType = UINT8, zero: int = 0, m_bits: int = 8
) -> Requantization:
    return Requantization(Array(np.array(m)), shift, m_bits, out, out.lo, out.hi, zero)


def line(*ratios: Fraction | int, offset: Fraction | int = 0) -> Line:
    """Lines of these ratios, all with one offset."""
    made = rationals(1) * np.array([Fraction(r) for r in ratios], dtype=object)
    return Line(made, made * 0 + Fraction(offset))


def exact(x: int, ratio: Fraction, zero: int, lo: int, hi: int) -> int:
    """ONNX QuantizeLinear: half to even (Python's round of a Fraction), zero point, saturation."""
    return min(max(round(x * ratio) + zero, lo), hi)


@given(
    m=st.integers(1, 255),
    shift=st.integers(0, 14),
    zero=st.integers(-20, 20),
    lo=st.integers(-128, 0),
    hi=st.integers(0, 127),
)
def test_apply_rounds_half_to_even_everywhere(
    m: int, shift: int, zero: int, lo: int, hi: int
) -> None:
    requant = Requantization(Array([m]), shift, 8, INT8, lo, hi, zero)
    x = np.arange(-1500, 1500)
    expected = [exact(int(v), Fraction(m, 1 << shift), zero, lo, hi) for v in x]
    assert requant.apply(x[:, None])[:, 0].tolist() == expected


@given(
    x=st.integers(-(1 << 45), 1 << 45), m=st.integers(1, (1 << 17) - 1), shift=st.integers(0, 61)
)
def test_apply_is_exact_at_the_widest_sums(x: int, m: int, shift: int) -> None:
    wide = IntType(62, True)
    requant = function((m,), shift, wide, m_bits=17)
    expected = exact(x, Fraction(m, 1 << shift), 0, wide.lo, wide.hi)
    assert requant.apply(np.array([x])).tolist() == [expected]


def test_apply_uses_each_channels_multiplier() -> None:
    requant = function((1, 2, 3), 1, INT8)
    assert requant.apply(np.array([[[3, 3, 3]]])).tolist() == [[[2, 3, 4]]]
    assert requant.line.at(2) == (Fraction(3, 2), 0)


@given(
    m=st.integers(1, 200),
    shift=st.integers(0, 8),
    zero=st.integers(-5, 5),
    bits=st.integers(1, 5),
    signed=st.booleans(),
)
def test_thresholds_are_the_same_function(
    m: int, shift: int, zero: int, bits: int, signed: bool
) -> None:
    requant = function((m, m + 1), shift, IntType(bits, signed), zero)
    levels = thresholds(requant)
    assert levels.shape == (2, requant.hi - requant.lo)
    assert (np.diff(levels, axis=1) >= 0).all()
    x = np.arange(-3000, 3000)
    for channel in range(2):
        counted = requant.lo + (x[:, None] >= levels[channel]).sum(axis=1)
        assert np.array_equal(counted, requant.apply(np.stack([x, x], axis=1))[:, channel])


def test_ties_go_to_the_even_side() -> None:
    # x / 2: 1 → 0.5 → 0, 3 → 1.5 → 2, 5 → 2.5 → 2; so 1 starts at 2, 2 at 3, 3 at 6
    half = line(Fraction(1, 2))
    assert positions(half, 0, 0, 3, -9, 9).tolist() == [[2, 3, 6]]
    assert positions(half, 1, 0, 3, -9, 9).tolist() == [[-1, 2, 3]]
    assert positions(half, 0, -2, 0, -9, 9).tolist() == [[-2, -1]]


@given(
    m=st.lists(st.integers(1, 255), min_size=1, max_size=4),
    shift=st.integers(0, 12),
    zero=st.integers(-3, 3),
    bits=st.integers(1, 8),
    span=st.tuples(st.integers(-5000, 0), st.integers(0, 5000)),
)
def test_the_certificate_passes_what_is_equal(
    m: list[int], shift: int, zero: int, bits: int, span: tuple[int, int]
) -> None:
    requant = function(tuple(m), shift, IntType(bits, True), zero)
    reference = line(*(Fraction(v, 1 << shift) for v in m))
    certificate = certify("conv", requant, reference, *span)
    assert (certificate.node, certificate.channels) == ("conv", len(m))
    assert (certificate.lo, certificate.hi) == span
    assert certificate.steps >= len(m)


@settings(max_examples=60)
@given(
    m=st.tuples(st.integers(2, 254), st.integers(2, 254)),
    shift=st.integers(1, 9),
    change=st.sampled_from(["m+1", "m-1", "shift+1", "shift-1"]),
    channel=st.integers(0, 1),
    reach=st.integers(0, 600),
)
def test_the_certificate_refuses_exactly_what_differs(
    m: tuple[int, int], shift: int, change: str, channel: int, reach: int
) -> None:
    requant = function(m, shift, INT8)
    reference = requant.line
    if change.startswith("m"):
        changed = list(m)
        changed[channel] += 1 if change == "m+1" else -1
        mutant = replace(requant, m=Array(changed))
    else:
        mutant = replace(requant, shift=shift + (1 if change == "shift+1" else -1))
    x = np.arange(-reach, reach + 1)
    both = np.stack([x, x], axis=1)
    wrong = mutant.apply(both) != requant.apply(both)
    if not wrong.any():
        certify("conv", mutant, reference, -reach, reach)
        return
    first = int(np.flatnonzero(wrong.any(axis=0))[0])
    with pytest.raises(ShiftloomError) as caught:
        certify("conv", mutant, reference, -reach, reach)
    problem = caught.value.problem
    at = int(problem.split("sum ")[1].split(" ")[0])
    got = mutant.apply(np.array([[at, at]]))[0, first]
    expected = requant.apply(np.array([[at, at]]))[0, first]
    assert got != expected
    assert str(caught.value) == (
        f"conv: channel {first}: sum {at} requantizes to {got}, "
        f"the reference {reference.ratio[first]} gives {expected}; {WAY_OUT}"
    )


@pytest.mark.parametrize(
    ("m", "shift", "problem"),
    [
        ((101, 57), 9, "channel 0: sum -652 requantizes to -128, the reference 25/128 gives -127"),
        ((99, 57), 9, "channel 0: sum -653 requantizes to -126, the reference 25/128 gives -128"),
        ((100, 58), 9, "channel 1: sum -1145 requantizes to -128, the reference 57/512 gives -127"),
        ((100, 56), 9, "channel 1: sum -1146 requantizes to -125, the reference 57/512 gives -128"),
        ((100, 57), 10, "channel 0: sum -653 requantizes to -64, the reference 25/128 gives -128"),
        ((100, 57), 8, "channel 0: sum -652 requantizes to -128, the reference 25/128 gives -127"),
    ],
)
def test_each_changed_constant_is_named(m: tuple[int, int], shift: int, problem: str) -> None:
    reference = line(Fraction(100, 512), Fraction(57, 512))
    certify("conv", function((100, 57), 9, INT8), reference, -2000, 2000)
    with refuses(f"conv: {problem}; {WAY_OUT}"):
        certify("conv", function(m, shift, INT8), reference, -2000, 2000)


def test_certificate_of_a_wrong_number_of_channels_is_refused() -> None:
    with refuses("conv: 2 multipliers for 1 channels; rebuild"):
        certify("conv", function((1, 2), 3), line(Fraction(1, 8)), 0, 9)


def test_products_without_rounding_are_certified_by_their_factors() -> None:
    requant = function((3, 5), 0, INT32)
    assert certify("fc", requant, line(3, 5), -100, 100).steps == 2
    with refuses("fc: channel 1: multiplier 5, reference 4; rebuild from the quantized graph"):
        certify("fc", requant, line(3, 4), -100, 100)


@pytest.mark.parametrize(("lo", "hi", "zero"), [(-900, 499, 0), (-499, 900, 0), (-900, 900, 1)])
def test_products_without_rounding_must_not_clip(lo: int, hi: int, zero: int) -> None:
    requant = Requantization(Array([3, 5]), 0, 8, INT32, lo, hi, zero)
    with refuses(f"fc: [{lo}, {hi}] clips -500 to 500; rebuild"):
        certify("fc", requant, line(3, 5), -100, 100)


def test_a_product_may_be_rectified() -> None:
    rectified = replace(function((3,), 0, INT32), lo=0)
    assert certify("fc", rectified, line(3), -100, 100).channels == 1


@given(
    ratios=st.lists(st.floats(1e-9, 200), min_size=1, max_size=5),
    m_bits=st.integers(8, 17),
)
def test_fit_uses_all_bits_of_the_multiplier(ratios: list[float], m_bits: int) -> None:
    requant = fit("conv", np.array(ratios), m_bits, UINT8, 0, 255)
    m = requant.m.data
    assert (m >= 1).all()
    assert m.max() < 1 << m_bits
    assert m.max() >= (1 << (m_bits - 1)) - 1
    error = np.abs(m / 2.0**requant.shift - np.array(ratios))
    small = np.ldexp(np.array(ratios), requant.shift) < 0.5
    assert (error[~small] <= 0.5000001 / 2.0**requant.shift).all()
    assert (m[small] == 1).all()


@pytest.mark.parametrize(
    ("ratios", "message"),
    [
        ([1.0, float("nan")], "requantization ratio nan; calibrate on other data"),
        ([float("inf")], "requantization ratio inf; calibrate on other data"),
        ([0.0, 0.0], "requantization ratio 0.0; calibrate on other data"),
        ([0.1, 300.0], "requantization ratio 300 exceeds 255; use wider activations"),
        ([255.7], "requantization ratio 256 exceeds 255; use wider activations"),
        ([1e-30], f"requantization ratio 1e-30 is below 2^-{MAX_SHIFT}; check the model"),
    ],
)
def test_ratios_that_no_multiplier_holds_are_refused(ratios: list[float], message: str) -> None:
    with refuses(f"conv: {message}"):
        fit("conv", np.array(ratios), 8, UINT8, 0, 255)


def test_fit_of_the_largest_ratio() -> None:
    requant = fit("conv", np.array([255.0, 1.0]), 8, UINT8, 0, 255)
    assert (requant.m.data.tolist(), requant.shift) == ([255, 1], 0)


def test_fit_of_a_ratio_that_rounds_up_to_a_power_of_two() -> None:
    requant = fit("conv", np.array([1.999]), 8, UINT8, 0, 255)
    assert (requant.m.data.tolist(), requant.shift) == ([128], 6)


@given(
    ratio=st.fractions(Fraction(1, 300), 3),
    offset=st.fractions(-40, 40),
    zero=st.integers(-9, 9),
    reach=st.integers(1, 3000),
)
def test_positions_are_where_the_exact_function_rises(
    ratio: Fraction, offset: Fraction, zero: int, reach: int
) -> None:
    edges = positions(line(ratio, offset=offset), zero, -8, 7, -reach, reach)[0]
    x = np.arange(-reach, reach + 1)
    expected = [min(max(round(int(v) * ratio + offset) + zero, -8), 7) for v in x]
    assert (-8 + (x[:, None] >= edges).sum(axis=1)).tolist() == expected
    assert edges.min() >= -reach
    assert edges.max() <= reach + 1


@given(
    m=st.integers(1, 255),
    c=st.integers(-5000, 5000),
    shift=st.integers(0, 9),
    zero=st.integers(-9, 9),
)
def test_an_offset_joins_before_rounding(m: int, c: int, shift: int, zero: int) -> None:
    requant = replace(function((m,), shift, INT8, zero), offset=Array(np.array([c])))
    x = np.arange(-300, 300)
    expected = [min(max(round(Fraction(int(v) * m + c, 1 << shift)) + zero, -128), 127) for v in x]
    assert requant.apply(x[:, None])[:, 0].tolist() == expected
    counted = -128 + (x[:, None] >= thresholds(requant)[0]).sum(axis=1)
    assert counted.tolist() == expected
    certify(
        "conv", requant, line(Fraction(m, 1 << shift), offset=Fraction(c, 1 << shift)), -300, 300
    )


def test_given_steps_define_the_function() -> None:
    steps = Array(np.array([[-3, 0, 9], [1, 1, 2]]))
    requant = replace(function((1, 1), 0, IntType(2, False)), steps=steps)
    x = np.array([[-4, 0], [-3, 1], [8, 2], [9, 3]])
    assert requant.apply(x).tolist() == [[0, 0], [1, 2], [2, 3], [3, 3]]
    assert np.array_equal(thresholds(requant), steps.data)
