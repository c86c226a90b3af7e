"""MaxPool2d and AvgPool2d: the maximum or the mean of each window, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape
from shiftloom.codegen.windows import Window, im2col


def _pooled_shape(window: Window, node: str, source: Shape) -> Shape:
    for kernel, padding in zip(window.kernel, window.padding, strict=True):
        if 2 * padding > kernel:
            raise ShiftloomError(
                node,
                f"padding {padding} is more than half of the kernel {kernel}",
                f"use at most {kernel // 2}",
            )
    return (*window.output(node, source), source[2])


@dataclass(frozen=True, slots=True)
class MaxPool2d:
    """Maximum over windows; padding never wins. It commutes with the monotone requantization."""

    window: Window

    def shape(self, node: str, source: Shape) -> Shape:
        return _pooled_shape(self.window, node, source)

    def run(self, x: FloatArray) -> FloatArray:
        return np.asarray(im2col(x, self.window, -np.inf).max(axis=(3, 4)), dtype=np.float32)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.reduce(node, x, "max", self.window)


@dataclass(frozen=True, slots=True)
class AvgPool2d:
    """Mean over windows, padding counted as zeros (`count_include_pad`).

    Lowered to a sum; the factor 1/(KH·KW) joins the next requantization exactly.
    """

    window: Window

    def shape(self, node: str, source: Shape) -> Shape:
        return _pooled_shape(self.window, node, source)

    def run(self, x: FloatArray) -> FloatArray:
        return np.asarray(im2col(x, self.window, 0.0).mean(axis=(3, 4)), dtype=np.float32)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.reduce(node, x, "sum", self.window)
