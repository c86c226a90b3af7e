"""When sl_window moves, clock by clock, without its data: the reference for a cycle model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scan:
    """The constants of sl_window's column scan; the names are those of sl_window_scan."""

    H: int
    W: int
    KH: int
    KW: int
    SH: int
    SW: int
    PT: int
    PL: int
    OH: int
    OW: int

    @property
    def first(self) -> int:
        """The column that completes the first output of a row."""
        return self.KW - 1 - self.PL

    @property
    def last(self) -> int:
        """The column that completes the last output of a row."""
        return self.first + (self.OW - 1) * self.SW

    @property
    def slots(self) -> int:
        """Steps an output row."""
        return max(min(self.W, self.last + 1), self.last - self.first + 1, self.first + 1)

    @property
    def flush(self) -> int:
        """Steps after a row that complete outputs of it."""
        return self.last + 1 - self.slots

    def newest(self, oh: int) -> int:
        """The last kernel row inside the frame."""
        return min(self.KH - 1, self.H - 1 - (oh * self.SH - self.PT))


class WindowTiming:
    """sl_window without data: `s_ready` and `m_valid` now, then one `clock` with the other two."""

    def __init__(self, scan: Scan, sf: int, nf: int, rows: int) -> None:
        """The state after reset, for SF slices, NF passes and ROWS row banks."""
        self.scan, self.slices, self.beats, self.banks = scan, sf, sf * nf, rows
        self.rows = scan.PT  # rows written, counted from kernel row 0
        self.w_column = 0  # the column written next
        self.column = self.oh = self.ow = self.gap = 0
        self.busy = False  # some, but not all outputs of a row are complete
        self.a: bool | None = None  # column registers: None is empty, True completes an output
        self.b: bool | None = None
        self.held = 0  # beats left in the hold register
        self.sliced = False  # the register behind it is full (only with slices)

    @property
    def s_ready(self) -> bool:
        """Whether a pixel is accepted in this clock."""
        return self.rows < self.banks

    @property
    def m_valid(self) -> bool:
        """Whether a beat is offered in this clock."""
        return self.held > 0 if self.slices == 1 else self.sliced

    def clock(self, s_valid: bool, m_ready: bool) -> None:
        """Advance by one clock, every decision by the state before it."""
        write = s_valid and self.s_ready
        out_free = m_ready if self.slices == 1 else (not self.sliced or m_ready)
        take = self.held > 0 and out_free
        hold_free = self.held == 0 or (take and self.held == 1)
        b_free = not self.b or hold_free
        a_free = self.a is None or b_free
        read, blank = self._may_step()
        emit = self.gap == 0 if self.busy else self.column == self.scan.first

        if out_free:
            self.sliced = take
        self.held -= take
        if self.b and hold_free:
            self.held = self.beats
        if b_free:
            self.b = self.a
        if a_free:
            self.a = emit if read or blank else None
            if read or blank:
                self._count_output(emit)
            if read:
                self._count_column()
        if write:
            self.w_column = (self.w_column + 1) % self.scan.W
            self.rows += self.w_column == 0

    def _may_step(self) -> tuple[bool, bool]:
        """Whether the next column may be read, and if not, whether a blank step is made."""
        flushing = self.scan.flush > 0 and self.busy and self.column == 0
        needed = self.scan.flush if flushing else self.column + 1
        newest = self.scan.newest(self.oh)
        read = self.rows > newest or (self.rows == newest and self.w_column >= needed)
        return read, flushing and not read

    def _count_output(self, emit: bool) -> None:
        """Where the step leaves the outputs of the row."""
        if emit:
            self.ow = (self.ow + 1) % self.scan.OW
            self.busy = self.ow != 0
            self.gap = self.scan.SW - 1
        elif self.gap > 0:
            self.gap -= 1

    def _count_column(self) -> None:
        """Where a read leaves the scan; the end of an output row frees input rows."""
        self.column = (self.column + 1) % self.scan.slots
        if self.column == 0:
            self.oh = (self.oh + 1) % self.scan.OH
            within = self.scan.SH
            self.rows -= within if self.oh else self.scan.H - (self.scan.OH - 1) * within
