"""Clock-exact handshake model of `sl_window` (scan, column registers, hold, slices)."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from shiftloom.codegen.dataflows.streaming.timing import FOREVER
from shiftloom.codegen.values import Shape
from shiftloom.codegen.windows import Window


@dataclass(frozen=True, slots=True)
class ScanGeometry:
    """Constants of the column scan, named as in `sl_window_scan.sv`."""

    first: int
    slots: int
    flush: int
    next: int

    @staticmethod
    def of(shape: Shape, window: Window, output: tuple[int, int]) -> ScanGeometry:
        """Columns scanned for one row of outputs, those that padding needs included."""
        height, width, _ = shape
        first = window.kernel[1] - 1 - window.padding[1]
        last = first + (output[1] - 1) * window.stride[1]
        inside = min(last + 1, width)
        apart = 1 + (last - first if last > 2 * first else first)
        slots = max(inside, apart)
        following = height - (output[0] - 1) * window.stride[0]
        return ScanGeometry(first, slots, last + 1 - slots, following)


class WindowTiming:
    """Mirrors the control registers of the module, one method a handshake."""

    def __init__(
        self,
        shape: Shape,
        window: Window,
        output: tuple[int, int],
        rows: int,
        beats: tuple[int, int],
    ) -> None:
        height, self.width, _ = shape
        self.geometry = ScanGeometry.of(shape, window, output)
        self.out_rows, self.out_columns = output
        self.row_stride, self.column_stride = window.stride
        self.banks = rows
        self.slices, self.folds = beats
        kernel, top = window.kernel[0], window.padding[0]
        self.newest = [
            min(kernel - 1, height - 1 + top - row * self.row_stride) for row in range(output[0])
        ]
        self.w_column = 0
        self.rows = top
        self.x = self.oh = self.ow = self.gap = 0
        self.busy = False
        self.a_valid = self.a_emit = self.b_valid = self.b_emit = False
        self.left = 0
        self.sliced = False

    def valid(self) -> bool:
        return self.sliced if self.slices > 1 else self.left > 0

    def ready(self, downstream: bool) -> bool:
        return self.rows < self.banks

    def steady(self, taken: bool, given: bool) -> int:
        take, _, a_free, b_free = self._moves(given)
        if (b_free and (self.a_valid or self.b_valid)) or self._slicing(given) != self.sliced:
            return 1
        if a_free and (self._steps() or (taken and self.rows == self.newest[self.oh])):
            return 1
        clocks = self.width - self.w_column if taken else FOREVER
        return min(clocks, max(1, self.left - 1)) if take else clocks

    def step(self, taken: bool, given: bool, clocks: int) -> None:
        take, window_ready, a_free, b_free = self._moves(given)
        give = self.b_valid and self.b_emit
        self.sliced = self._slicing(given)
        self.left -= take * clocks
        if window_ready and give:
            self.left = self.folds
        stepped, emit, row_end = self._scan(a_free)
        if b_free:
            self.b_valid, self.b_emit = self.a_valid, self.a_emit
        if a_free:
            self.a_valid, self.a_emit = stepped, emit
        self._write(taken * clocks, row_end)

    def state(self) -> Hashable:
        scan = (self.x, self.oh, self.ow, self.gap, self.busy)
        columns = (self.a_valid, self.a_emit, self.b_valid, self.b_emit)
        return self.w_column, self.rows, scan, columns, self.left, self.sliced

    def _moves(self, given: bool) -> tuple[bool, bool, bool, bool]:
        """In this clock: (a slice leaves the window, it is free after, columns a and b are)."""
        take = given if self.slices == 1 else self.left > 0 and (given or not self.sliced)
        window_free = self.left == 0 or (take and self.left == 1)
        b_free = not (self.b_valid and self.b_emit) or window_free
        return take, window_free, not self.a_valid or b_free, b_free

    def _slicing(self, given: bool) -> bool:
        """Whether the next clock offers a slice out of its register."""
        return self.left > 0 if self.slices > 1 and (given or not self.sliced) else self.sliced

    def _column_ok(self) -> tuple[bool, bool]:
        """Of the next column: (it was written, it may be blank since outputs are flushed)."""
        newest = self.newest[self.oh]
        flush = self.geometry.flush
        flushing = flush > 0 and self.busy and self.x == 0
        arrived = self.w_column >= flush if flushing else self.w_column != self.x
        return self.rows > newest or (self.rows == newest and arrived), flushing

    def _steps(self) -> bool:
        return any(self._column_ok())

    def _scan(self, ready: bool) -> tuple[bool, bool, bool]:
        """One step of the column scan: (a step is made, it completes an output, the row ends)."""
        column_ok, flushing = self._column_ok()
        emit = self.gap == 0 if self.busy else self.x == self.geometry.first
        stepped = ready and (column_ok or flushing)
        row_end = ready and column_ok and self.x == self.geometry.slots - 1
        if ready and column_ok:
            self.x = 0 if row_end else self.x + 1
        if stepped and emit:
            self.ow = (self.ow + 1) % self.out_columns
            self.busy = self.ow != 0
            self.gap = self.column_stride - 1
        elif stepped and self.gap:
            self.gap -= 1
        return stepped, emit, row_end

    def _write(self, pixels: int, row_end: bool) -> None:
        if row_end:
            last = self.oh == self.out_rows - 1
            self.rows -= self.geometry.next if last else self.row_stride
            self.oh = 0 if last else self.oh + 1
        self.w_column += pixels
        if self.w_column == self.width:
            self.w_column = 0
            self.rows += 1
