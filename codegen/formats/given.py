"""given: the integers that an imported model carries, with its own exact scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from shiftloom.codegen.formats.format import Codes
from shiftloom.codegen.formats.integer import Granularity, Int
from shiftloom.codegen.values import Array, IntArray


@dataclass(frozen=True, slots=True)
class GivenWeights:
    """Integers without zero point, of `bits` bits; real = values · scale, [K] or [1], exact."""

    values: Array
    scale: Array
    bits: int
    signed: bool


@dataclass(frozen=True, slots=True)
class Given:
    """Integers of `bits` bits, coded as `int` codes them."""

    bits: int
    signed: bool = True
    granularity: Granularity = "channel"

    name = "given"

    def __post_init__(self) -> None:
        Int(self.bits, self.granularity, self.signed)

    @property
    def _integers(self) -> Int:
        return Int(self.bits, self.granularity, self.signed)

    @property
    def levels(self) -> tuple[int, ...]:
        return self._integers.levels

    def encode(self, beta: IntArray) -> Codes:
        return self._integers.encode(beta)

    def decode(self, codes: Codes) -> IntArray:
        return self._integers.decode(codes)

    def vectors(self, shape: tuple[int, ...]) -> int:
        return self._integers.vectors(shape)

    def spread(self, values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        return self._integers.spread(values, shape)
