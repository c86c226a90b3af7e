"""pow2(n): zero and signed powers of two, W ≈ α·{0, ±1, ±2, ±4, …}; a product is one shift.

Code 0 is 0, codes 1 to 2^(n−1) − 1 the positive powers ascending, those behind the negative ones;
the last code is never emitted. n = 2 are the levels of QSQ at φ = 1, n = 3 those at φ = 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats import levels
from shiftloom.codegen.formats.format import Codes, spread_channels
from shiftloom.codegen.values import IntArray

MAX_BITS = 5


@dataclass(frozen=True, slots=True)
class Pow2:
    """Powers of two in codes of `bits` bits, one α an output channel."""

    bits: int = 4

    name = "pow2"

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= MAX_BITS:
            raise ShiftloomError("pow2.bits", f"{self.bits} bits", f"use 2 to {MAX_BITS}")

    @property
    def magnitudes(self) -> tuple[int, ...]:
        """|β| ascending from 0."""
        return (0, *(1 << i for i in range((1 << (self.bits - 1)) - 1)))

    @property
    def levels(self) -> tuple[int, ...]:
        return levels.both_signs(self.magnitudes)

    @property
    def _table(self) -> tuple[int, ...]:
        positive = self.magnitudes
        return (*positive, *(-m for m in positive[1:]))

    def encode(self, beta: IntArray) -> Codes:
        return levels.encode(self.name, self._table, beta)

    def decode(self, codes: Codes) -> IntArray:
        return levels.decode(self.name, self._table, codes)

    def vectors(self, shape: tuple[int, ...]) -> int:
        return shape[0]

    def spread(self, values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        return spread_channels(values, shape)
