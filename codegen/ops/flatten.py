"""Flatten: a feature map read as one vector; layout only, NHWC order."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape


@dataclass(frozen=True, slots=True)
class Flatten:
    """(H, W, C) → (1, 1, H·W·C). The next layer's weights are permuted by the front end."""

    def shape(self, node: str, source: Shape) -> Shape:
        height, width, channels = source
        return (1, 1, height * width * channels)

    def run(self, x: FloatArray) -> FloatArray:
        return x.reshape(x.shape[0], 1, 1, -1)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.flatten(node, x)
