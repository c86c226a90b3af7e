"""ArgMax: the index of the largest channel of each pixel, the first of equals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape


@dataclass(frozen=True, slots=True)
class ArgMax:
    """(H, W, C) → (H, W, 1)."""

    def shape(self, node: str, source: Shape) -> Shape:
        return (*source[:2], 1)

    def run(self, x: FloatArray) -> FloatArray:
        return np.asarray(x.argmax(axis=-1)[..., None], dtype=x.dtype)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.argmax(node, x)
