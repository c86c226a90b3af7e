"""Size measures of `sl_mvu_shift`, counted as synthesis builds it.

A product bit is one LUT of the code and three activation bits. Where a memory is shallow enough to
be part of that LUT, the codes in it decide: few shifts leave room for the first addition too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.values import IntArray

LUT_INPUTS = 6
CODE_BITS = 3
SRL_LENGTH = 3
"""Registers in a row that synthesis turns into a shift register in a LUT."""
_SHIFT = np.array([-1, 0, 1, 2, 0, 1, 2, -1])
"""Left shift of a code, −1 for a zero."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Adders, registers and shift registers of `sl_adder_tree`, in bits."""

    adders: int
    registers: int
    delays: int

    @staticmethod
    def of(terms: int, bits: int) -> Tree:
        """The tree over `terms` values; an odd one is delayed, in a LUT where that is long."""
        adders = registers = delays = 0
        waiting: list[int] = []  # widths of the registers that the odd term has passed
        made = False  # a term is a register already
        while terms > 1:
            pairs, odd = divmod(terms, 2)
            adders += pairs * bits
            bits += 1
            registers += (pairs + odd) * bits
            if odd:
                waiting = [*(waiting or ([bits - 1] if made else [])), bits]
            elif waiting:
                registers, delays = _delay(waiting, registers, delays)
                waiting = []
            made = True
            terms = pairs + odd
        return Tree(adders, registers, delays)


def _delay(waiting: list[int], registers: int, delays: int) -> tuple[int, int]:
    if len(waiting) < SRL_LENGTH:
        return registers, delays
    return registers - waiting[0] * len(waiting), delays + waiting[0]


def product_luts(codes: IntArray | None, pe: int, simd: int, bits: int) -> tuple[int, int]:
    """LUTs of the first and of the second products of all pairs that are added.

    `codes` [depth, PE, SIMD] are a function of the address, or None if they come as they are. A
    second product is part of the adder's LUT where the inputs suffice.
    """
    if codes is None:
        support, constant = _support(np.ones((pe, simd, 3), dtype=bool), bits), np.bool_(False)
        selectors = 2 * CODE_BITS
    else:
        used = np.stack([(_SHIFT[codes] == shift).any(axis=0) for shift in range(3)], axis=-1)
        support = _support(used, bits)
        constant = (codes == codes[:1]).all(axis=0)[:, :, None]
        selectors = max(0, (len(codes) - 1).bit_length())
    live = (support > 0) & ~constant
    pairs = simd // 2
    joined = support[:, 0 : 2 * pairs : 2] + support[:, 1::2] + selectors <= LUT_INPUTS
    return int(live[:, 0::2].sum()), int((live[:, 1::2] & ~joined).sum())


def _support(used: npt.NDArray[np.bool_], bits: int) -> IntArray:
    """How many activation bits each product bit depends on, by the shifts `used` of a term."""
    bit = np.arange(bits + 2)[:, None] - np.arange(3)
    counts: IntArray = (used[:, :, None, :] & (bit >= 0) & (bit < bits)).sum(axis=-1)
    return counts
