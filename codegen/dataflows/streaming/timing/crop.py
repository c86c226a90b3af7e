"""The control of `sl_crop`: one register, which beats outside the rectangle never reach."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray
from shiftloom.codegen.windows import Pair


def model(size: Pair, corner: Pair, kept: Pair, folds: int) -> Model:
    """Rows and columns of the frame; those before the rectangle, and its own."""
    (top, left), (rows, columns) = corner, kept
    params = (*size, top, top + rows, left, left + columns, folds)
    return Model(Kind.CROP, params, (0, 0, 0, 0))


# p: rows and columns of the frame, first row kept, the one after the last, the same of the columns,
# beats of a pixel. s: row, column and beat of the input, whether a beat is offered.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return int(s[3])


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 1 if taken or not s[3] else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    if s[3] and not moved_out:
        return
    s[3] = 0
    if moved_in:
        s[3] = 1 if p[2] <= s[0] < p[3] and p[4] <= s[1] < p[5] else 0
        s[2] = (s[2] + 1) % p[6]
        if s[2] == 0:
            s[1] = (s[1] + 1) % p[1]
            if s[1] == 0:
                s[0] = (s[0] + 1) % p[0]
