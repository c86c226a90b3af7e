"""Add: the signed sum of two feature maps of one shape, ± a ± b; one exact scaled addition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape
from shiftloom.codegen.windows import Pair


@dataclass(frozen=True, slots=True)
class Add:
    """`signs[0]`·a + `signs[1]`·b, element by element; (1, −1) is a subtraction."""

    signs: Pair = (1, 1)

    def shape(self, node: str, *sources: Shape) -> Shape:
        if len(sources) != 2 or sources[0] != sources[1]:
            shapes = " and ".join(map(str, sources))
            raise ShiftloomError(node, f"adds {shapes}", "give two feature maps of the same shape")
        return sources[0]

    def run(self, *x: FloatArray) -> FloatArray:
        a, b = (value if sign > 0 else -value for value, sign in zip(x, self.signs, strict=True))
        return np.asarray(a + b)

    def lower(self, builder: IntegerBuilder, node: str, *x: Operand) -> Operand:
        return builder.add(node, x[0], x[1], self.signs)
