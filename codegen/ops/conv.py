"""Conv2d: y[n, h, w, o] = b[o] + Σ_{i, j, c} x[n, h·s + i − p, w·s + j − p, c] · W[o, i, j, c]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import Array, FloatArray, Shape
from shiftloom.codegen.windows import Window, im2col


@dataclass(frozen=True, slots=True)
class Conv2d:
    """Two-dimensional convolution; weights [C_out, KH, KW, C_in], bias [C_out]."""

    weights: Array
    bias: Array
    window: Window

    def shape(self, node: str, source: Shape) -> Shape:
        c_out, kh, kw, c_in = self.weights.data.shape
        if c_in != source[2]:
            raise ShiftloomError(
                node, f"weights take {c_in} channels, the input has {source[2]}", "check the model"
            )
        if (kh, kw) != self.window.kernel:
            raise ShiftloomError(
                node, f"weights are {kh}×{kw}, the kernel {self.window.kernel}", "check the model"
            )
        return (*self.window.output(node, source), c_out)

    def run(self, x: FloatArray) -> FloatArray:
        cols = im2col(x, self.window, 0.0)
        flat = cols.reshape(*cols.shape[:3], -1)
        kernel = self.weights.data.reshape(self.weights.data.shape[0], -1)
        return np.asarray(flat @ kernel.T + self.bias.data, dtype=np.float32)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.mac(node, x, self.weights.data, self.bias.data, self.window)
