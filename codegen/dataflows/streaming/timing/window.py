"""The control of `sl_window`: column scan, column registers, hold register, slices."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray, Shape
from shiftloom.codegen.windows import Pair, Window


@dataclass(frozen=True, slots=True)
class ScanGeometry:
    """Constants of the column scan, named as in `sl_window_scan.sv`."""

    first: int
    slots: int
    flush: int
    next: int

    @staticmethod
    def of(shape: Shape, window: Window, output: Pair, digits: int) -> ScanGeometry:
        """Columns scanned for one row of outputs, those that padding needs included."""
        height, width, _ = shape
        first = (window.kernel[1] - 1 - window.padding[1]) * digits
        last = first + ((output[1] - 1) * window.stride[1] + 1) * digits - 1
        inside = min(last + 1, width * digits)
        apart = 1 + (last - first if last > 2 * first else first)
        slots = max(inside, apart)
        following = height - (output[0] - 1) * window.stride[0]
        return ScanGeometry(first, slots, last + 1 - slots, following)


def model(
    shape: Shape, window: Window, output: Pair, rows: int, beats: Pair, digits: int = 1
) -> Model:
    """`rows` row banks; `beats` counts those of one pass over a window and of all passes."""
    scan = ScanGeometry.of(shape, window, output, digits)
    top, kernel_rows, (row_stride, stride) = window.padding[0], window.kernel[0], window.stride
    params = (
        *(shape[0], shape[1] * digits, kernel_rows, top, row_stride, stride * digits),
        *(output[0], output[1] * digits, rows, *beats),
        *(scan.first, scan.slots, scan.flush, scan.next, digits),
    )
    return Model(Kind.WINDOW, params, (0, top, *[0] * 11))


# Parameters.
_H, _COLUMNS, _KH, _TOP, _SH, _PERIOD, _OH, _WINDOWS, _BANKS, _SLICES, _FOLDS = range(11)
_FIRST, _SLOTS, _FLUSH, _NEXT, _DIGITS = range(11, 16)
# Registers: the column written and the rows held; the scan's column, output row and window in it,
# steps since the first window of an output, whether it is inside an output row; the two column
# registers, valid and of a window; beats left of the window held, whether a slice is offered.
_COLUMN, _ROWS, _X, _Y, _AT, _PHASE, _BUSY = range(7)
_A_VALID, _A_EMIT, _B_VALID, _B_EMIT, _LEFT, _SLICED = range(7, 13)


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    if p[_SLICES] > 1:
        return int(s[_SLICED])
    return 1 if s[_LEFT] > 0 else 0


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 1 if s[_ROWS] < p[_BANKS] else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    gives = s[_B_VALID] and s[_B_EMIT]
    free = _slices(p, s, moved_out, gives)
    b_free = not gives or free
    a_free = not s[_A_VALID] or b_free
    arrived, flushing = _column_ok(p, s)
    row_end = a_free and arrived and s[_X] == p[_SLOTS] - 1
    stepped, emit = a_free and (arrived or flushing), _emits(p, s)
    if a_free and arrived:
        s[_X] = 0 if row_end else s[_X] + 1
    if stepped:
        _place(p, s, emit)
    if b_free:
        s[_B_VALID], s[_B_EMIT] = s[_A_VALID], s[_A_EMIT]
    if a_free:
        s[_A_VALID], s[_A_EMIT] = stepped, emit
    _write(p, s, moved_in, row_end)


@compiled
def _slices(p: IntArray, s: IntArray, moved_out: int, gives: bool) -> bool:
    """Move the slices and load the window held; whether it is free to be loaded."""
    take = moved_out != 0
    if p[_SLICES] > 1:
        advance = moved_out or not s[_SLICED]
        take = bool(s[_LEFT] > 0 and advance)
        if advance:
            s[_SLICED] = s[_LEFT] > 0
    free = s[_LEFT] == 0 or (take and s[_LEFT] == 1)
    if take:
        s[_LEFT] -= 1
    if free and gives:
        s[_LEFT] = p[_FOLDS]
    return bool(free)


@compiled
def _column_ok(p: IntArray, s: IntArray) -> tuple[bool, bool]:
    """Of the next column: (it was written, it may be blank since outputs are flushed)."""
    newest = min(p[_KH] - 1, p[_H] - 1 + p[_TOP] - s[_Y] * p[_SH])
    flushing = p[_FLUSH] > 0 and s[_BUSY] and s[_X] == 0
    arrived = s[_COLUMN] >= p[_FLUSH] if flushing else s[_COLUMN] != s[_X]
    return s[_ROWS] > newest or (s[_ROWS] == newest and arrived), flushing


@compiled
def _emits(p: IntArray, s: IntArray) -> bool:
    """Whether the next step completes a window."""
    return bool(s[_PHASE] < p[_DIGITS] if s[_BUSY] else s[_X] == p[_FIRST])


@compiled
def _place(p: IntArray, s: IntArray, emit: bool) -> None:
    """Move on to the next window of the row, if this step completes one."""
    if emit:
        s[_AT] = 0 if s[_AT] == p[_WINDOWS] - 1 else s[_AT] + 1
        s[_BUSY] = s[_AT] != 0
    if not s[_BUSY] or s[_PHASE] == p[_PERIOD] - 1:
        s[_PHASE] = 0
    else:
        s[_PHASE] += 1


@compiled
def _write(p: IntArray, s: IntArray, moved_in: int, row_end: bool) -> None:
    """Count a column, and the rows that the next output row no longer needs."""
    if row_end:
        last = s[_Y] == p[_OH] - 1
        s[_ROWS] -= p[_NEXT] if last else p[_SH]
        s[_Y] = 0 if last else s[_Y] + 1
    s[_COLUMN] += moved_in
    if s[_COLUMN] == p[_COLUMNS]:
        s[_COLUMN] = 0
        s[_ROWS] += 1
