"""int(n): two's complement integers of n bits, one α an output channel or one a tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.format import Codes, spread_channels
from shiftloom.codegen.values import IntArray, IntType

Granularity = Literal["channel", "tensor"]
MAX_BITS = 16


@dataclass(frozen=True, slots=True)
class Int:
    """Integers of `bits` bits; `granularity` says whether each output channel has its own α."""

    bits: int = 8
    granularity: Granularity = "channel"
    signed: bool = True

    name = "int"

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= MAX_BITS:
            raise ShiftloomError("int.bits", f"{self.bits} bits", f"use 1 to {MAX_BITS}")
        if self.granularity not in ("channel", "tensor"):
            raise ShiftloomError(
                "int.granularity", f"unknown {self.granularity!r}", "use channel or tensor"
            )

    @property
    def type(self) -> IntType:
        """The integer type of β."""
        return IntType(self.bits, self.signed)

    @property
    def levels(self) -> tuple[int, ...]:
        return tuple(range(self.type.lo, self.type.hi + 1))

    def encode(self, beta: IntArray) -> Codes:
        outside = (beta < self.type.lo) | (beta > self.type.hi)
        if outside.any():
            raise ShiftloomError(
                self.name,
                f"{beta[outside].flat[0]} has no code",
                f"{self.type} holds {self.type.lo} to {self.type.hi}",
            )
        return (beta & ((1 << self.bits) - 1)).astype(np.uint16)

    def decode(self, codes: Codes) -> IntArray:
        if codes.size and int(codes.max()) >> self.bits:
            raise ShiftloomError(
                self.name, f"code {int(codes.max())}", f"valid codes have {self.bits} bits"
            )
        beta = codes.astype(np.int64)
        return np.where(beta > self.type.hi, beta - (1 << self.bits), beta)

    def vectors(self, shape: tuple[int, ...]) -> int:
        return shape[0] if self.granularity == "channel" else 1

    def spread(self, values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        return spread_channels(values, shape)
