"""Upsample: each pixel several times, the nearest neighbour."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape
from shiftloom.codegen.windows import Pair


@dataclass(frozen=True, slots=True)
class Upsample:
    """Height and width times the integers `factors`."""

    factors: Pair

    def shape(self, node: str, source: Shape) -> Shape:
        if min(self.factors) < 1:
            raise ShiftloomError(node, f"factors {self.factors}", "use integers of at least 1")
        return (source[0] * self.factors[0], source[1] * self.factors[1], source[2])

    def run(self, x: FloatArray) -> FloatArray:
        return x.repeat(self.factors[0], axis=1).repeat(self.factors[1], axis=2)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.upsample(node, x, self.factors)
