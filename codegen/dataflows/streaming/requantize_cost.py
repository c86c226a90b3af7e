"""Size measures of the shift-add rows in `sl_requant`, counted as synthesis builds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.pe.shift_cost import SRL_LENGTH
from shiftloom.codegen.values import IntArray

_CUT = 17
"""Bits of the wider factor that the first of two DSP blocks takes."""


def dsp_blocks(x_bits: int, m_bits: int) -> int:
    """DSP blocks that multiply a signed value by an unsigned factor, as in `sl_multiply_dsp`."""
    if (x_bits <= 25 and m_bits <= 17) or (x_bits <= 18 and m_bits <= 24):
        return 1
    if (x_bits <= 25 and m_bits <= _CUT + 17) or (x_bits <= _CUT + 18 and m_bits <= 24):
        return 2
    return 4


@dataclass(frozen=True, slots=True)
class Offset:
    """Bits of the sum that takes in C, and of what delays C until then: LUTs or registers."""

    sums: int = 0
    luts: int = 0
    registers: int = 0

    @staticmethod
    def of(product_bits: int, c_bits: int, levels: int, *, changes: bool, use_dsp: bool) -> Offset:
        """One lane, whose product takes `levels` clocks; a C that never changes is not delayed."""
        kept = c_bits if changes else 0
        if use_dsp or not c_bits:
            return Offset(registers=kept)
        sums = max(product_bits, c_bits) + 1
        if levels >= SRL_LENGTH:
            return Offset(sums, luts=kept)
        return Offset(sums, registers=kept * levels)


@dataclass(frozen=True, slots=True)
class Rows:
    """Digit selectors in LUTs, adders and registers in bits of one or more multipliers."""

    digits: int = 0
    adders: int = 0
    registers: int = 0

    def __add__(self, other: Rows) -> Rows:
        return Rows(
            self.digits + other.digits,
            self.adders + other.adders,
            self.registers + other.registers,
        )

    @staticmethod
    def of(m: IntArray, bits: int, m_bits: int) -> Rows:
        """Lanes that multiply sums of `bits` bits by M [folds, lanes].

        Two bits of M choose 0, 1, 2 or 3 times the sum; where they never change, no LUT does, and
        nothing is added where they are always 0.
        """
        levels = max(0, (-(-m_bits // 2) - 1).bit_length())
        total = Rows()
        for lane in m.T:
            digits = (lane[:, None] >> np.arange(0, m_bits, 2)) & 3
            threefold = bits + 2 if (digits == 3).any() else 0
            total += Rows(0, threefold, bits + threefold) + _level(lane, bits, m_bits, levels)
        return total


def _level(m: IntArray, bits: int, m_bits: int, levels: int) -> Rows:
    """`sl_shift_add` of the low `m_bits` of M, as its source is built."""
    if not m.any():
        return Rows()
    if levels == 0:
        return Rows(bits + 2 if (m != m[0]).any() else 0)
    low = 1 << levels
    registers = Rows(registers=bits + m_bits)
    if m_bits <= low:
        return registers + _level(m, bits, m_bits, levels - 1)
    lower, upper = m & ((1 << low) - 1), m >> low
    halves = _level(lower, bits, low, levels - 1) + _level(upper, bits, m_bits - low, levels - 1)
    adder = bits + m_bits - low if lower.any() and upper.any() else 0
    return halves + registers + Rows(adders=adder)
