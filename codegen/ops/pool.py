"""MaxPool2d and AvgPool2d: the maximum or the mean of each window, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape
from shiftloom.codegen.windows import Window, im2col


@dataclass(frozen=True, slots=True)
class MaxPool2d:
    """Maximum over windows; padding never wins. It commutes with the monotone requantization."""

    window: Window

    def shape(self, node: str, source: Shape) -> Shape:
        return (*self.window.output(node, source), source[2])

    def run(self, x: FloatArray) -> FloatArray:
        return np.asarray(im2col(x, self.window, -np.inf).max(axis=(3, 4)), dtype=x.dtype)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.reduce(node, x, "max", self.window)


@dataclass(frozen=True, slots=True)
class AvgPool2d:
    """Mean over windows; padding counts as zeros, or not at all (`count_include_pad` False).

    Lowered to a sum; the factor 1/(KH·KW) joins the next requantization exactly.
    """

    window: Window
    count_include_pad: bool = True

    def shape(self, node: str, source: Shape) -> Shape:
        return (*self.window.output(node, source), source[2])

    @property
    def uneven(self) -> bool:
        """Windows at the border have another divisor than those inside."""
        padded = any((*self.window.padding, *self.window.end))
        return padded and not self.count_include_pad

    def run(self, x: FloatArray) -> FloatArray:
        sums = im2col(x, self.window, 0.0).sum(axis=(3, 4))
        if not self.uneven:
            return np.asarray(sums / np.prod(self.window.kernel), dtype=x.dtype)
        taps = im2col(np.ones((1, *x.shape[1:3], 1)), self.window, 0.0).sum(axis=(3, 4))
        return np.asarray(sums / taps, dtype=x.dtype)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        self.check_even(node)
        return builder.reduce(node, x, "sum", self.window)

    def check_even(self, node: str) -> None:
        """Refuse `uneven` windows, for which there is no unit."""
        if self.uneven:
            raise ShiftloomError(
                node,
                "averages padded windows without counting the padding",
                "use count_include_pad=True, or no padding",
            )
