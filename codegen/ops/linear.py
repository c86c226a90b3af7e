"""Linear: y[n, o] = b[o] + Σ_i x[n, i] · W[o, i], for every pixel of a map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.given import GivenWeights
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import Array, FloatArray, Shape
from shiftloom.codegen.windows import Window


@dataclass(frozen=True, slots=True)
class Linear:
    """Fully connected layer on a flattened input; weights [C_out, C_in] in NHWC order.

    `given` holds the integers [C_out, C_in] of weights that came quantized.
    """

    weights: Array
    bias: Array
    given: GivenWeights | None = None

    def shape(self, node: str, source: Shape) -> Shape:
        c_out, c_in = self.weights.data.shape
        if source != (1, 1, c_in):
            raise ShiftloomError(
                node,
                f"weights take a vector of {c_in}, the input is {source}",
                "put a Flatten before it, or check the input size",
            )
        if self.bias.data.shape != (c_out,):
            raise ShiftloomError(
                node, f"bias of shape {self.bias.data.shape} for {c_out} outputs", "check the model"
            )
        return (1, 1, c_out)

    def run(self, x: FloatArray) -> FloatArray:
        return np.asarray(x @ self.weights.data.T + self.bias.data, dtype=x.dtype)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        given = self.given and replace(
            self.given, values=Array(self.given.values.data[:, None, None, :])
        )
        weights = self.weights.data[:, None, None, :]
        return builder.mac(node, x, weights, self.bias.data, Window((1, 1)), 1, given)
