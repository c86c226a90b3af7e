"""Quantize: the activation quantizer of an imported model, q = clip(round(x / s) + z).

Rounding is half to even, as ONNX's QuantizeLinear. Values stay real: s · (q − z).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, IntType, Shape


def _check_scale(node: str, scale: float) -> None:
    if not (math.isfinite(scale) and scale > 0):
        raise ShiftloomError(node, f"scale {scale}", "use a positive number")


@dataclass(frozen=True, slots=True)
class Quantize:
    """Integers of `bits` bits; `narrow` leaves out the lowest of a signed type."""

    scale: float
    zero: int = 0
    bits: int = 8
    signed: bool = False
    narrow: bool = False

    @property
    def type(self) -> IntType:
        """The type of q."""
        return IntType(self.bits, self.signed)

    @property
    def lo(self) -> int:
        """The lowest q."""
        return self.type.lo + (self.narrow and self.signed)

    @property
    def hi(self) -> int:
        """The highest q; an unsigned narrow type leaves out its highest."""
        return self.type.hi - (self.narrow and not self.signed)

    def shape(self, node: str, source: Shape) -> Shape:
        _check_scale(node, self.scale)
        if not self.type.lo <= self.zero <= self.type.hi:
            raise ShiftloomError(
                node,
                f"zero point {self.zero}",
                f"{self.type} holds {self.type.lo} to {self.type.hi}",
            )
        return source

    def run(self, x: FloatArray) -> FloatArray:
        scale = x.dtype.type(self.scale)
        q = np.clip(np.rint(x / scale) + self.zero, self.lo, self.hi)
        return np.asarray((q - self.zero) * scale, dtype=x.dtype)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.quantize(node, x, self.scale, self.zero, self.type, self.narrow)


@dataclass(frozen=True, slots=True)
class Bipolar:
    """The sign: `scale` for x ≥ 0, −`scale` below; q in {0, 1} with the zero point 1/2."""

    scale: float

    def shape(self, node: str, source: Shape) -> Shape:
        _check_scale(node, self.scale)
        return source

    def run(self, x: FloatArray) -> FloatArray:
        scale = x.dtype.type(self.scale)
        return np.where(x >= 0, scale, -scale)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        bit = IntType(1, signed=False)
        return builder.quantize(node, x, 2 * self.scale, Fraction(1, 2), bit, False)
