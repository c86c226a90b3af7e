"""Conv2d: y[h, w, o] = b[o] + Σ_{i, j, c} x[h·s + i·d − p, w·s + j·d − p, c] · W[o, i, j, c]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.given import GivenWeights
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import Array, FloatArray, Shape
from shiftloom.codegen.windows import Window, im2col


def check_channels(node: str, weights: Array, bias: Array, groups: int, channels: int) -> None:
    """Weights [C_out, KH, KW, C_in / groups] fit `channels` in `groups`, and the bias C_out."""
    c_out, c_in = weights.data.shape[0], weights.data.shape[-1]
    if c_in * groups != channels:
        raise ShiftloomError(
            node,
            f"weights take {c_in * groups} channels, the input has {channels}",
            "check the model",
        )
    if c_out % groups:
        raise ShiftloomError(
            node, f"{groups} groups do not divide {c_out} output channels", "check the model"
        )
    if bias.data.shape != (c_out,):
        raise ShiftloomError(
            node, f"bias of shape {bias.data.shape} for {c_out} channels", "check the model"
        )


def convolve(
    x: FloatArray, weights: FloatArray, bias: FloatArray, window: Window, groups: int
) -> FloatArray:
    """The sum above for a batch [N, H, W, C], as one matrix product a group."""
    cols = im2col(x, window, 0.0)
    n, height, width, kh, kw, channels = cols.shape
    pixels = n * height * width
    split = cols.reshape(pixels, kh * kw, groups, channels // groups).transpose(2, 0, 1, 3)
    kernel = weights.reshape(groups, weights.shape[0] // groups, -1).transpose(0, 2, 1)
    sums = split.reshape(groups, pixels, -1) @ kernel
    sums = sums.transpose(1, 0, 2).reshape(n, height, width, -1)
    return np.asarray(sums + bias, dtype=x.dtype)


@dataclass(frozen=True, slots=True)
class Conv2d:
    """Two-dimensional convolution; weights [C_out, KH, KW, C_in / groups], bias [C_out].

    `given` holds the integers of weights that came quantized. A 1-D convolution has height 1.
    """

    weights: Array
    bias: Array
    window: Window
    groups: int = 1
    given: GivenWeights | None = None

    def shape(self, node: str, source: Shape) -> Shape:
        c_out, kh, kw, _ = self.weights.data.shape
        check_channels(node, self.weights, self.bias, self.groups, source[2])
        if (kh, kw) != self.window.kernel:
            raise ShiftloomError(
                node, f"weights are {kh}×{kw}, the kernel {self.window.kernel}", "check the model"
            )
        return (*self.window.output(node, source), c_out)

    def run(self, x: FloatArray) -> FloatArray:
        return convolve(x, self.weights.data, self.bias.data, self.window, self.groups)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        weights, bias = self.weights.data, self.bias.data
        return builder.mac(node, x, weights, bias, self.window, self.groups, self.given)
