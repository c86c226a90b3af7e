"""ReLU: max(x, 0), realised as the lower clip of the next requantization."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape


@dataclass(frozen=True, slots=True)
class Relu:
    """Rectifier; costs nothing in hardware."""

    def shape(self, node: str, source: Shape) -> Shape:
        return source

    def run(self, x: FloatArray) -> FloatArray:
        return np.maximum(x, x.dtype.type(0))

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.clip(node, x, 0.0, np.inf)
