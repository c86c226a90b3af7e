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
    """Kernel, stride and symmetric padding, each as (vertical, horizontal)."""

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)

    def output(self, node: str, source: Shape) -> Pair:
        """Output (height, width): ⌊(size + 2·padding − kernel) / stride⌋ + 1 a side."""
        if min(*self.kernel, *self.stride) < 1 or min(self.padding) < 0:
            raise ShiftloomError(
                node,
                f"kernel {self.kernel}, stride {self.stride}, padding {self.padding}",
                "kernel and stride must be at least 1, padding at least 0",
            )
        out = []
        for axis, name in enumerate(("height", "width")):
            k, s, p, size = self.kernel[axis], self.stride[axis], self.padding[axis], source[axis]
            if p >= k:
                raise ShiftloomError(
                    node, f"padding {p} is not smaller than the kernel {k}", f"use 0 to {k - 1}"
                )
            if size + 2 * p < k:
                raise ShiftloomError(
                    node,
                    f"kernel {k} exceeds the padded input {name} {size} + 2·{p}",
                    f"use a kernel of at most {size + 2 * p}",
                )
            out.append((size + 2 * p - k) // s + 1)
        return out[0], out[1]


def im2col(x: npt.NDArray[Any], window: Window, fill: float) -> npt.NDArray[Any]:
    """All windows of a batch [N, H, W, C] as [N, OH, OW, KH, KW, C]; taps outside give `fill`."""
    (kh, kw), (sh, sw), (ph, pw) = window.kernel, window.stride, window.padding
    if ph or pw:
        x = np.pad(x, ((0, 0), (ph, ph), (pw, pw), (0, 0)), constant_values=fill)
    views = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(1, 2))
    return views[:, ::sh, ::sw].transpose(0, 1, 2, 4, 5, 3)
