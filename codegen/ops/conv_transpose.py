"""ConvTranspose2d: y[h·s + i·d − p, w·s + j·d − p, o] += x[h, w, c] · W[o, i, j, c], plus b[o]."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.given import GivenWeights
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.ops.conv import check_channels, convolve
from shiftloom.codegen.values import Array, FloatArray, Shape
from shiftloom.codegen.windows import Pair, Window, insert


def turned(weights: FloatArray) -> FloatArray:
    """Weights [C_out, KH, KW, C_in / groups] with the kernel turned around; its own inverse."""
    return np.ascontiguousarray(weights[:, ::-1, ::-1])


@dataclass(frozen=True, slots=True)
class ConvTranspose2d:
    """Transposed convolution; weights [C_out, KH, KW, C_in / groups], bias [C_out].

    Done as a convolution with the kernel turned around, on the input with s − 1 zeros between its
    pixels and span − 1 − p around them. `output_padding` adds rows and columns at the end.
    """

    weights: Array
    bias: Array
    window: Window
    output_padding: Pair = (0, 0)
    groups: int = 1
    given: GivenWeights | None = None

    @property
    def gaps(self) -> Pair:
        """Zeros between the rows and between the columns of the input."""
        return self.window.stride[0] - 1, self.window.stride[1] - 1

    @property
    def pad(self) -> tuple[int, int, int, int]:
        """Zeros around the input: top, left, bottom, right."""
        (top, left), (bottom, right) = self.window.padding, self.window.end
        (height, width), extra = self.window.span, self.output_padding
        before = (height - 1 - top, width - 1 - left)
        return (*before, height - 1 - bottom + extra[0], width - 1 - right + extra[1])

    @property
    def forward(self) -> Window:
        """The window of the convolution on the spread input."""
        return Window(self.window.kernel, dilation=self.window.dilation)

    def shape(self, node: str, source: Shape) -> Shape:
        check_channels(node, self.weights, self.bias, self.groups, source[2])
        if min(*self.window.kernel, *self.window.stride, *self.window.dilation) < 1:
            raise ShiftloomError(
                node,
                f"kernel {self.window.kernel}, stride {self.window.stride}",
                "kernel, stride and dilation must be at least 1",
            )
        if min(self.pad) < 0:
            raise ShiftloomError(
                node,
                f"padding {self.window.padding}, {self.window.end} for the span {self.window.span}",
                "use a padding smaller than the span of the kernel",
            )
        top, left, bottom, right = self.pad
        (gap_y, gap_x), (height, width, channels) = self.gaps, source
        rows = (height - 1) * (gap_y + 1) + 1 + top + bottom
        columns = (width - 1) * (gap_x + 1) + 1 + left + right
        size = self.forward.output(node, (rows, columns, channels))
        return (*size, self.weights.data.shape[0])

    def run(self, x: FloatArray) -> FloatArray:
        spread = insert(x, self.pad, self.gaps, 0.0)
        kernel = turned(self.weights.data)
        return convolve(spread, kernel, self.bias.data, self.forward, self.groups)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        given = self.given and replace(self.given, values=Array(turned(self.given.values.data)))
        weights = turned(self.weights.data)
        spread = builder.insert(f"{node}_insert", x, self.pad, self.gaps, 0.0)
        return builder.mac(node, spread, weights, self.bias.data, self.forward, self.groups, given)
