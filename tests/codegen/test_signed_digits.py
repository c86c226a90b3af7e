"""Canonic signed digits against the definition, digit by digit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftloom.codegen import signed_digits

VALUES = np.arange(-3000, 3001)
integers = st.integers(-(1 << 60), 1 << 60)


def naf(value: int) -> list[int]:
    """The digits of a value, lowest first, by the schoolbook rule."""
    digits = []
    while value:
        digit = 2 - value % 4 if value % 2 else 0
        digits.append(digit)
        value = (value - digit) // 2
    return digits


@pytest.mark.parametrize("most", range(8))
def test_the_highest_digits_are_kept(most: int) -> None:
    expected = []
    for value in VALUES.tolist():
        places = [i for i, digit in enumerate(naf(value)) if digit][::-1][:most]
        expected.append(sum(naf(value)[i] << i for i in places))
    assert signed_digits.kept(VALUES, most).tolist() == expected


@given(integers)
def test_masks_are_the_digits(value: int) -> None:
    plus, minus = (int(mask) for mask in signed_digits.masks(np.array(value)))
    digits = naf(value)
    assert plus == sum(1 << i for i, digit in enumerate(digits) if digit == 1)
    assert minus == sum(1 << i for i, digit in enumerate(digits) if digit == -1)


@given(integers)
def test_all_digits_are_the_value(value: int) -> None:
    array = np.array([value])
    most = signed_digits.most_digits(array)
    assert most == int(signed_digits.digits_of(array)[0]) == sum(map(abs, naf(value)))
    assert signed_digits.kept(array, most).tolist() == [value]


@given(integers)
def test_pairs_are_neighbouring_digits(value: int) -> None:
    rows = signed_digits.rows_for(np.array([value]))
    assert rows == max(1, -(-len(naf(value)) // 2))
    digits = [*naf(value), 0]
    expected = [digits[i] + 2 * digits[i + 1] for i in range(0, len(digits) - 1, 2)] or [0]
    assert signed_digits.pairs(np.array(value), rows).tolist() == expected


def test_codes_of_pairs() -> None:
    codes = signed_digits.row_codes(np.array([[-1, 3], [-6, 0]]), 2)
    assert codes.tolist() == [[[5, 0], [5, 1]], [[2, 6], [0, 0]]]


def test_the_furthest_of_all_qualities() -> None:
    low, high = signed_digits.furthest(np.array([3, -3, 5, 11, 0]))
    assert low.tolist() == [3, -4, 4, 11, 0]
    assert high.tolist() == [4, -3, 5, 16, 0]
