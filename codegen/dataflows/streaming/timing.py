"""Clock-exact models of stream handshakes, without data.

Each model mirrors the control of one RTL module: which clocks it offers an output beat and which it
accepts an input beat. `simulate` in `tokens.py` steps a chain of them.
"""

from __future__ import annotations

from typing import Protocol


class Timing(Protocol):
    """One module's handshake state; queried, then stepped once a clock."""

    def valid(self) -> bool:
        """Whether m_tvalid is high in this clock."""

    def ready(self, downstream: bool) -> bool:
        """Whether s_tready is high when m_tready is `downstream`."""

    def step(self, taken: bool, given: bool) -> bool:
        """Advance one clock in which an input beat was `taken`, an output beat `given`.

        Returns whether the next clock could change the state even without a handshake.
        """


class Pipeline:
    """A pipeline moved by one enable; input k makes an output where `pattern[k]` is 1.

    `pattern` repeats; `latency` counts enabled clocks from such an input to its output.
    """

    __slots__ = ("_at", "_bits", "_pattern", "_top")

    def __init__(self, latency: int, pattern: bytes = b"\1") -> None:
        self._top = 1 << (latency - 1)
        self._pattern = pattern
        self._at = 0
        self._bits = 0

    def valid(self) -> bool:
        return bool(self._bits & self._top)

    def ready(self, downstream: bool) -> bool:
        return downstream or not self._bits & self._top

    def step(self, taken: bool, given: bool) -> bool:
        if not given and self._bits & self._top:
            return False
        fed = 0
        if taken:
            fed = self._pattern[self._at]
            self._at = (self._at + 1) % len(self._pattern)
        self._bits = ((self._bits << 1) | fed) & (2 * self._top - 1)
        return self._bits != 0


class Queue:
    """A FIFO of `depth` beats, valid one clock after a write, ready while not full (registered)."""

    __slots__ = ("_depth", "count", "peak")

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self.count = 0
        self.peak = 0

    def valid(self) -> bool:
        return self.count > 0

    def ready(self, downstream: bool) -> bool:
        return self.count < self._depth

    def step(self, taken: bool, given: bool) -> bool:
        self.count += taken - given
        self.peak = max(self.peak, self.count)
        return False
