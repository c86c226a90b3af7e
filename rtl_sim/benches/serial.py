"""A serial line for benches: bytes to the module's rxd, and those of its txd, bit by bit."""

from __future__ import annotations

from collections import deque
from typing import Any


class Line:
    """An agent at the other end of a line of `clocks` a bit; `heard` are the bytes that came.

    `heard_at[i]` is the clock in which the start bit of byte i was first seen.
    """

    def __init__(self, dut: Any, clocks: int) -> None:
        self.dut, self.clocks = dut, clocks
        self.levels: deque[int] = deque()  # of rxd, one a clock
        self.heard: list[int] = []
        self.heard_at: list[int] = []
        self._seen: list[int] | None = None  # of txd since the start bit
        dut.rxd.value = 1

    def send(self, data: bytes, gap: int = 0, clocks: int | None = None, stop: int = 1) -> None:
        """Queue bytes; `gap` clocks of silence after each, `clocks` a bit other than the line's."""
        wide = self.clocks if clocks is None else clocks
        for byte in data:
            bits = [0, *(byte >> i & 1 for i in range(8)), stop]
            self.levels.extend(level for level in bits for _ in range(wide))
            self.hold(1, gap)

    def hold(self, level: int, clocks: int) -> None:
        """Queue one level for so many clocks."""
        self.levels.extend([level] * clocks)

    @property
    def sent(self) -> bool:
        """Everything queued is out."""
        return not self.levels

    def drive(self) -> None:
        """The next level, idle where there is none."""
        self.dut.rxd.value = self.levels.popleft() if self.levels else 1

    def look(self, clock: int) -> None:
        """Follow txd; every level must last for whole bits."""
        level = int(self.dut.txd.value)
        if self._seen is None:
            if level == 0:
                self._seen = [0]
                self.heard_at.append(clock)
            return
        self._seen.append(level)
        if len(self._seen) == 10 * self.clocks:
            self.heard.append(self._byte(self._seen))
            self._seen = None

    def _byte(self, seen: list[int]) -> int:
        bits = [seen[i * self.clocks : (i + 1) * self.clocks] for i in range(10)]
        assert all(len(set(bit)) == 1 for bit in bits), f"a level of txd is no whole bit: {seen}"
        assert (bits[0][0], bits[9][0]) == (0, 1), f"no start or no stop bit: {seen}"
        return sum(bit[0] << i for i, bit in enumerate(bits[1:9]))
