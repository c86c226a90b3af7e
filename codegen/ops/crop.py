"""Crop: a rectangle of the feature map."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape


@dataclass(frozen=True, slots=True)
class Crop:
    """`height` rows from `top` on and `width` columns from `left` on."""

    top: int
    left: int
    height: int
    width: int

    def shape(self, node: str, source: Shape) -> Shape:
        bottom, right = self.top + self.height, self.left + self.width
        if (
            min(self.top, self.left) < 0
            or min(self.height, self.width) < 1
            or bottom > source[0]
            or right > source[1]
        ):
            raise ShiftloomError(
                node,
                f"crops rows {self.top} to {bottom - 1}, columns {self.left} to {right - 1}",
                f"the input has {source[0]} rows and {source[1]} columns",
            )
        return (self.height, self.width, source[2])

    def run(self, x: FloatArray) -> FloatArray:
        bottom, right = self.top + self.height, self.left + self.width
        return x[:, self.top : bottom, self.left : right]

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.crop(node, x, self.top, self.left, self.height, self.width)
