"""The control of `sl_pool`: a beat at the end of a window makes an output two clocks later."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray, Shape
from shiftloom.codegen.windows import Pair


def model(shape: Shape, kernel: Pair, folds: int) -> Model:
    """Pixels of `folds` beats in a map of `shape`."""
    height, width, _ = shape
    return Model(Kind.POOL, (height, width, *kernel, folds), (0, 0, 0, 0, 0))


# p: height, width, kernel rows, kernel columns, folds. s: beat of the pixel, column and row of the
# input, whether the middle and the last stage hold an output.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return int(s[4])


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 1 if taken or not s[4] else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    if s[4] and not moved_out:
        return
    s[4] = s[3]
    s[3] = 0
    if not moved_in:
        return
    if s[1] % p[3] == p[3] - 1 and s[2] % p[2] == p[2] - 1:
        s[3] = 1
    s[0] += 1
    if s[0] == p[4]:
        s[0] = 0
        s[1] += 1
        if s[1] == p[1]:
            s[1] = 0
            s[2] += 1
            if s[2] == p[0]:
                s[2] = 0
