"""The canonic signed-digit form of integers: no two neighbouring digits are both non-zero.

v = Σ d_i·2^i with d_i in {−1, 0, 1} in exactly one such way, and by no fewer non-zero digits in any
other (Reitwiesner, Advances in Computers 1, 1960). Bit i of d_{i−1} ≠ 0 is bit i of |v| xor 3·|v|.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.values import IntArray

ROW_CODE_BITS = 3
"""A code of two neighbouring digits: bit 0 for ±1, bit 1 for ±2, bit 2 for the sign."""


def digits_of(values: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
    """How many digits of each value are not zero, for values below 2^61."""
    counts: npt.NDArray[np.uint8] = np.bitwise_count(_places(values))
    return counts


def most_digits(values: npt.NDArray[np.integer]) -> int:
    """The most non-zero digits of any value: with that many kept, all is exact."""
    return int(digits_of(values).max(initial=0))


def kept(values: npt.NDArray[np.integer], most: int) -> IntArray:
    """csd_K: each value with its `most` most significant non-zero digits only.

    The sum of the highest digits is the value without the low ones, so its magnitude may exceed
    that of the value: one digit of 3 = 4 − 1 is 4.
    """
    left = values.astype(np.int64)
    result = np.zeros_like(left)
    for _ in range(most):
        leading = _leading(left)
        result += leading
        left = left - leading
    return result


def furthest(values: npt.NDArray[np.integer]) -> tuple[IntArray, IntArray]:
    """The smallest and the largest csd_K of each value, over all K from 1 on."""
    reduced = np.stack([kept(values, k) for k in range(1, max(1, most_digits(values)) + 1)])
    return reduced.min(axis=0), reduced.max(axis=0)


def rows_for(values: npt.NDArray[np.integer]) -> int:
    """Pairs of digits that hold every value, at least 1."""
    top = int(np.bitwise_or.reduce(_places(values), axis=None))
    return max(1, -(-(top.bit_length() - 1) // 2))


def pairs(values: npt.NDArray[np.integer], rows: int) -> IntArray:
    """Digits 2r and 2r + 1 of each value as one of −2 … 2, [..., rows]: v = Σ pair_r·4^r."""
    plus, minus = masks(values)
    shifts = 2 * np.arange(rows)
    found: IntArray = (plus[..., None] >> shifts & 3) - (minus[..., None] >> shifts & 3)
    return found


def masks(values: npt.NDArray[np.integer]) -> tuple[IntArray, IntArray]:
    """The digits 1 of each value, and its digits −1, as bits: v = plus − minus."""
    places = _places(values).astype(np.int64) >> 1
    minus = places & (np.abs(values).astype(np.int64) >> 1)
    plus, is_negative = places ^ minus, values < 0
    return np.where(is_negative, minus, plus), np.where(is_negative, plus, minus)


def row_codes(values: npt.NDArray[np.integer], rows: int) -> IntArray:
    """The codes of `pairs`, [..., rows]: 0, 1 and 2 for their magnitudes, 4 more where negative."""
    found = pairs(values, rows)
    codes: IntArray = np.abs(found) + 4 * (found < 0)
    return codes


def row_words(values: npt.NDArray[np.integer], rows: int) -> IntArray:
    """The codes of `pairs` of each value as one word, those of the lowest pair in the low bits."""
    words: IntArray = (row_codes(values, rows) << ROW_CODE_BITS * np.arange(rows)).sum(axis=-1)
    return words


def _places(values: npt.NDArray[np.integer]) -> npt.NDArray[np.uint64]:
    """Bit i + 1 is set where digit i of a value is not zero."""
    magnitude = np.abs(values).astype(np.uint64)
    places: npt.NDArray[np.uint64] = magnitude ^ (np.uint64(3) * magnitude)
    return places


def _leading(values: IntArray) -> IntArray:
    """The most significant non-zero digit of each value with its weight; 0 of 0.

    It is the power of two nearest to the magnitude, 2^⌊log₂(3·|v| / 2)⌋: exact by integers.
    """
    places = _places(values)
    for step in (1, 2, 4, 8, 16, 32):
        places |= places >> np.uint64(step)
    top = (places - (places >> np.uint64(1))) >> np.uint64(1)
    return np.sign(values) * top.astype(np.int64)
