"""The control of `sl_insert`: data pass between fillers, and a frame waits for its first beat."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray, Shape
from shiftloom.codegen.windows import Pair


def model(shape: Shape, pad: tuple[int, int, int, int], gaps: Pair, folds: int) -> Model:
    """A map of `shape` in pixels of `folds` beats; `pad` is (top, left, bottom, right)."""
    (height, width, _), (top, left, bottom, right), (gap_y, gap_x) = shape, pad, gaps
    row_end, column_end = top + (height - 1) * (gap_y + 1) + 1, left + (width - 1) * (gap_x + 1) + 1
    rows = (top, row_end, row_end + bottom, gap_y + 1)
    columns = (left, column_end, column_end + right, gap_x + 1)
    return Model(Kind.INSERT, (*rows, *columns, folds), (0, 0, 0, 0))


# p: first row of data, the one after the last, rows of the output, rows from one of data to the
# next; the same of the columns; beats of a pixel. s: row, column and beat of the output that comes
# next, whether an input beat is held.


@compiled
def _is_data(p: IntArray, s: IntArray) -> bool:
    """Whether the next output beat comes from the source."""
    in_row = p[0] <= s[0] < p[1] and (s[0] - p[0]) % p[3] == 0
    in_column = p[4] <= s[1] < p[5] and (s[1] - p[4]) % p[7] == 0
    return bool(in_row and in_column)


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    waits = _is_data(p, s) or s[0] + s[1] + s[2] == 0
    return 1 if s[3] or not waits else 0


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 1 if not s[3] or (taken and _is_data(p, s)) else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    if moved_out and _is_data(p, s):
        s[3] = 0
    if moved_in:
        s[3] = 1
    if moved_out:
        s[2] = (s[2] + 1) % p[8]
        if s[2] == 0:
            s[1] = (s[1] + 1) % p[6]
            if s[1] == 0:
                s[0] = (s[0] + 1) % p[2]
