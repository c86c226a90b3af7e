"""Clock-exact handshake model of `sl_window` (scan, column registers, hold, slices)."""

from __future__ import annotations

from dataclasses import dataclass

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

    def step(self, taken: bool, given: bool) -> bool:
        take = given if self.slices == 1 else self.left > 0 and (not self.sliced or given)
        window_ready = self.left == 0 or (take and self.left == 1)
        give = self.b_valid and self.b_emit
        b_free = not give or window_ready
        a_free = not self.a_valid or b_free
        stepped, emit, row_end = self._scan(a_free)
        if self.slices > 1 and (not self.sliced or given):
            self.sliced = self.left > 0
        self.left -= take
        if window_ready and give:
            self.left = self.folds
        if b_free:
            self.b_valid, self.b_emit = self.a_valid, self.a_emit
        if a_free:
            self.a_valid, self.a_emit = stepped, emit
        self._write(taken, row_end)
        return stepped or take or taken or give or self.a_valid or self.b_valid

    def _scan(self, ready: bool) -> tuple[bool, bool, bool]:
        """One step of the column scan: (a step is made, it completes an output, the row ends)."""
        geometry = self.geometry
        newest = self.newest[self.oh]
        flushing = geometry.flush > 0 and self.busy and self.x == 0
        arrived = self.w_column >= geometry.flush if flushing else self.w_column != self.x
        column_ok = self.rows > newest or (self.rows == newest and arrived)
        emit = self.gap == 0 if self.busy else self.x == geometry.first
        stepped = ready and (column_ok or flushing)
        row_end = ready and column_ok and self.x == geometry.slots - 1
        if ready and column_ok:
            self.x = 0 if row_end else self.x + 1
        if stepped and emit:
            self.ow = (self.ow + 1) % self.out_columns
            self.busy = self.ow != 0
            self.gap = self.column_stride - 1
        elif stepped and self.gap:
            self.gap -= 1
        return stepped, emit, row_end

    def _write(self, taken: bool, row_end: bool) -> None:
        if row_end:
            last = self.oh == self.out_rows - 1
            self.rows -= self.geometry.next if last else self.row_stride
            self.oh = 0 if last else self.oh + 1
        if taken:
            self.w_column += 1
            if self.w_column == self.width:
                self.w_column = 0
                self.rows += 1
