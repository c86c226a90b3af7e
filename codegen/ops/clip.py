"""Clip: min(max(x, lo), hi), as ReLU6; the clip of the next requantization."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape


@dataclass(frozen=True, slots=True)
class Clip:
    """Limits every value to [lo, hi]; an infinite limit is none."""

    lo: float
    hi: float

    def shape(self, node: str, source: Shape) -> Shape:
        if not self.lo <= self.hi:
            raise ShiftloomError(node, f"clips to {self.lo} to {self.hi}", "use lo at most hi")
        return source

    def run(self, x: FloatArray) -> FloatArray:
        return np.clip(x, x.dtype.type(self.lo), x.dtype.type(self.hi))

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.clip(node, x, self.lo, self.hi)
