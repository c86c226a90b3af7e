"""csd(n, K): integers of n bits with at most K non-zero signed digits, one α an output channel.

The canonic signed-digit form of an integer writes it by the fewest digits −1, 0 and 1. A product
takes one addition less than it has non-zero ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats import levels
from shiftloom.codegen.formats.format import Codes, spread_channels
from shiftloom.codegen.signed_digits import digits_of
from shiftloom.codegen.values import IntArray

MAX_WIDTH = 8
MAX_DIGITS = 4
"""All that an integer of 8 bits has."""


@dataclass(frozen=True, slots=True)
class Csd:
    """Integers below 2^(width − 1) in magnitude; a code is the place in the list of levels."""

    width: int = 8
    digits: int = 2

    name = "csd"

    def __post_init__(self) -> None:
        if not 2 <= self.width <= MAX_WIDTH:
            raise ShiftloomError("csd.width", f"{self.width} bits", f"use 2 to {MAX_WIDTH}")
        if not 1 <= self.digits <= MAX_DIGITS:
            raise ShiftloomError("csd.digits", f"{self.digits} digits", f"use 1 to {MAX_DIGITS}")

    @property
    def magnitudes(self) -> tuple[int, ...]:
        """|β| ascending from 0."""
        values = np.arange(1 << (self.width - 1))
        return tuple(values[digits_of(values) <= self.digits].tolist())

    @property
    def levels(self) -> tuple[int, ...]:
        return levels.both_signs(self.magnitudes)

    @property
    def bits(self) -> int:
        """Width of a code."""
        return (len(self.levels) - 1).bit_length()

    def encode(self, beta: IntArray) -> Codes:
        return levels.encode(self.name, self.levels, beta)

    def decode(self, codes: Codes) -> IntArray:
        return levels.decode(self.name, self.levels, codes)

    def vectors(self, shape: tuple[int, ...]) -> int:
        return shape[0]

    def spread(self, values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        return spread_channels(values, shape)
