"""Geometry of sliding windows, shared by convolutions and poolings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import Shape

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Window:
    """Kernel, stride, padding at the top left, at the end, and dilation: (vertical, horizontal).

    `end_padding` None stands for the same as `padding`.
    """

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    end_padding: Pair | None = None
    dilation: Pair = (1, 1)

    @property
    def span(self) -> Pair:
        """Rows and columns that a kernel covers, (kernel − 1) · dilation + 1."""
        return (
            (self.kernel[0] - 1) * self.dilation[0] + 1,
            (self.kernel[1] - 1) * self.dilation[1] + 1,
        )

    @property
    def end(self) -> Pair:
        """Padding at the bottom and at the right."""
        return self.padding if self.end_padding is None else self.end_padding

    def output(self, node: str, source: Shape) -> Pair:
        """Output (height, width): ⌊(size + padding + end − span) / stride⌋ + 1 a side."""
        if min(*self.kernel, *self.stride, *self.dilation) < 1 or min(*self.padding, *self.end) < 0:
            raise ShiftloomError(
                node,
                f"kernel {self.kernel}, stride {self.stride}, padding {self.padding}",
                "kernel, stride and dilation must be at least 1, padding at least 0",
            )
        out = []
        for axis, name in enumerate(("height", "width")):
            k, s, size = self.span[axis], self.stride[axis], source[axis]
            before, after = self.padding[axis], self.end[axis]
            if max(before, after) >= k:
                raise ShiftloomError(
                    node,
                    f"padding {max(before, after)} is not smaller than the kernel {k}",
                    f"use 0 to {k - 1}",
                )
            if size + before + after < k:
                raise ShiftloomError(
                    node,
                    f"kernel {k} exceeds the padded input {name} {size} + {before + after}",
                    f"use a kernel of at most {size + before + after}",
                )
            out.append((size + before + after - k) // s + 1)
        return out[0], out[1]


def im2col(x: npt.NDArray[Any], window: Window, fill: float) -> npt.NDArray[Any]:
    """All windows of a batch [N, H, W, C] as [N, OH, OW, KH, KW, C]; taps outside give `fill`."""
    (sh, sw), (dh, dw) = window.stride, window.dilation
    (top, left), (bottom, right) = window.padding, window.end
    if top or left or bottom or right:
        x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    views = np.lib.stride_tricks.sliding_window_view(x, window.span, axis=(1, 2))
    return views[:, ::sh, ::sw, :, ::dh, ::dw].transpose(0, 1, 2, 4, 5, 3)


def insert(
    x: npt.NDArray[Any], pad: tuple[int, int, int, int], gaps: Pair, value: float
) -> npt.NDArray[Any]:
    """A batch [N, H, W, C] with `gaps` (rows, columns) of `value` between pixels, `pad` around.

    `pad` is (top, left, bottom, right).
    """
    top, left, bottom, right = pad
    (gap_y, gap_x), (n, height, width, channels) = gaps, x.shape
    rows, columns = (height - 1) * (gap_y + 1) + 1, (width - 1) * (gap_x + 1) + 1
    out = np.full((n, rows + top + bottom, columns + left + right, channels), value, x.dtype)
    out[:, top : top + rows : gap_y + 1, left : left + columns : gap_x + 1] = x
    return out
