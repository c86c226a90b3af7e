"""The control of `sl_pool`: a beat at the end of a window makes an output two clocks later."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray, Shape
from shiftloom.codegen.windows import Pair

LATENCY = 2
"""Clocks from the last beat of a window to its output."""


def model(shape: Shape, kernel: Pair, folds: int) -> Model:
    """Pixels of `folds` beats in a map of `shape`."""
    height, width, _ = shape
    return Model(Kind.POOL, (LATENCY - 1, height, width, *kernel, folds), (0, 0, 0, 0))


# p: index of the last stage, height, width, kernel rows, kernel columns, folds. s: a bit for every
# stage that holds an output; beat of the pixel, column and row of the input.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return int(s[0] >> p[0])


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 1 if taken or not s[0] >> p[0] else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    offering = s[0] >> p[0]
    if offering and not moved_out:
        return
    s[0] = (s[0] ^ (offering << p[0])) << 1
    if not moved_in:
        return
    if s[2] % p[4] == p[4] - 1 and s[3] % p[3] == p[3] - 1:
        s[0] |= 1
    s[1] = (s[1] + 1) % p[5]
    if s[1] == 0:
        s[2] = (s[2] + 1) % p[2]
        if s[2] == 0:
            s[3] = (s[3] + 1) % p[1]
