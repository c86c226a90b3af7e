"""Concat: the channels of two or more feature maps, one behind the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape


@dataclass(frozen=True, slots=True)
class Concat:
    """Maps of one height and width; their channels add up."""

    def shape(self, node: str, *sources: Shape) -> Shape:
        if len(sources) < 2 or len({source[:2] for source in sources}) != 1:
            shapes = ", ".join(map(str, sources))
            raise ShiftloomError(
                node, f"joins {shapes}", "give two or more maps of the same height and width"
            )
        return (*sources[0][:2], sum(source[2] for source in sources))

    def run(self, *x: FloatArray) -> FloatArray:
        return np.concatenate(x, axis=-1)

    def lower(self, builder: IntegerBuilder, node: str, *x: Operand) -> Operand:
        return builder.concat(node, *x)
