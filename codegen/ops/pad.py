"""Pad: a border of one value around the feature map."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape
from shiftloom.codegen.windows import insert


@dataclass(frozen=True, slots=True)
class Pad:
    """`pad` rows and columns of `value`: (top, left, bottom, right)."""

    pad: tuple[int, int, int, int]
    value: float = 0.0

    def shape(self, node: str, source: Shape) -> Shape:
        if min(self.pad) < 0:
            raise ShiftloomError(node, f"padding {self.pad}", "use at least 0; crop with a slice")
        top, left, bottom, right = self.pad
        return (source[0] + top + bottom, source[1] + left + right, source[2])

    def run(self, x: FloatArray) -> FloatArray:
        return insert(x, self.pad, (0, 0), self.value)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.insert(node, x, self.pad, (0, 0), self.value)
