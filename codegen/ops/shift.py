"""Shift: every channel moved by its own offset, zeros from outside (ShiftNet, arXiv:1711.08141)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.given import GivenWeights
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.ops.conv import Conv2d
from shiftloom.codegen.values import Array, FloatArray, Shape
from shiftloom.codegen.windows import Pair, Window


@dataclass(frozen=True, slots=True)
class Shift:
    """y[h, w, c] = x[h + dy, w + dx, c] with (dy, dx) = `offsets[c]`.

    Done as a depthwise convolution whose kernels hold a single 1.
    """

    offsets: tuple[Pair, ...]

    def shape(self, node: str, source: Shape) -> Shape:
        if len(self.offsets) != source[2]:
            raise ShiftloomError(
                node, f"{len(self.offsets)} offsets for {source[2]} channels", "give one a channel"
            )
        return self._conv().shape(node, source)

    def run(self, x: FloatArray) -> FloatArray:
        return self._conv().run(x)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return self._conv().lower(builder, node, x)

    def _conv(self) -> Conv2d:
        reach = max(max(abs(dy), abs(dx)) for dy, dx in self.offsets)
        channels, side = len(self.offsets), 2 * reach + 1
        kernels = np.zeros((channels, side, side, 1), dtype=np.int64)
        for channel, (dy, dx) in enumerate(self.offsets):
            kernels[channel, reach + dy, reach + dx] = 1
        window = Window((side, side), padding=(reach, reach))
        given = GivenWeights(Array(kernels), Array(np.ones(1)), bits=2, signed=True)
        weights, bias = Array(kernels.astype(np.float32)), Array(np.zeros(channels, np.float32))
        return Conv2d(weights, bias, window, channels, given)
