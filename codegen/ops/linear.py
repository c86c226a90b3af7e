"""Linear: y[n, o] = b[o] + Σ_i x[n, i] · W[o, i]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import Array, FloatArray, Shape
from shiftloom.codegen.windows import Window


@dataclass(frozen=True, slots=True)
class Linear:
    """Fully connected layer on a flattened input; weights [C_out, C_in] in NHWC order."""

    weights: Array
    bias: Array

    def shape(self, node: str, source: Shape) -> Shape:
        c_out, c_in = self.weights.data.shape
        if source != (1, 1, c_in):
            raise ShiftloomError(
                node,
                f"weights take a vector of {c_in}, the input is {source}",
                "put a Flatten before it, or check the input size",
            )
        return (1, 1, c_out)

    def run(self, x: FloatArray) -> FloatArray:
        return np.asarray(x @ self.weights.data.T + self.bias.data, dtype=np.float32)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        weights = self.weights.data[:, None, None, :]
        return builder.mac(node, x, weights, self.bias.data, Window((1, 1)))
