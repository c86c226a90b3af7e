"""Clock-exact models of stream handshakes, without data.

Each model mirrors the control of one RTL module: which clocks it offers an output beat and which it
accepts an input beat. So that a simulation need not stop at every clock, a model also says how long
nothing about that changes, and makes many like clocks in one step. `tokens.py` runs a chain.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

FOREVER = 1 << 60
"""Clocks without end, for a model that waits."""


class Timing(Protocol):
    """One module's handshake state: asked for its flags, then stepped over like clocks."""

    def valid(self) -> bool:
        """Whether m_tvalid is high in this clock."""

    def ready(self, downstream: bool) -> bool:
        """Whether s_tready is high when m_tready is `downstream`."""

    def steady(self, taken: bool, given: bool) -> int:
        """Clocks, this one the first, in which `valid` and `ready` surely stay as they are now.

        In each of them an input beat is `taken`, an output beat `given`, as the flags allow.
        FOREVER if the state does not change at all.
        """

    def step(self, taken: bool, given: bool, clocks: int) -> None:
        """Advance that many clocks, at most as many as are steady."""

    def state(self) -> Hashable:
        """All that the future depends on."""


class Pipeline:
    """A pipeline moved by one enable; input k makes an output where `pattern[k]` is 1.

    `pattern` repeats; `latency` counts enabled clocks from such an input to its output.
    """

    __slots__ = ("_at", "_bits", "_latency", "_pattern", "_top")

    def __init__(self, latency: int, pattern: bytes = b"\1") -> None:
        self._latency = latency
        self._top = 1 << (latency - 1)
        self._pattern = pattern
        self._at = 0
        self._bits = 0  # bit i: an output that is offered after latency - 1 - i clocks

    def valid(self) -> bool:
        return self._bits >= self._top

    def ready(self, downstream: bool) -> bool:
        return downstream or self._bits < self._top

    def steady(self, taken: bool, given: bool) -> int:
        bits, offering = self._bits, self._bits >= self._top
        if given:
            full = taken and bits == 2 * self._top - 1 and self._pattern == b"\1"
            return FOREVER if full else 1
        if offering:
            return FOREVER
        if bits:
            return self._latency - bits.bit_length()
        return self._latency + self._zeros() if taken else FOREVER

    def step(self, taken: bool, given: bool, clocks: int) -> None:
        if not given and self._bits >= self._top:
            return
        mask = 2 * self._top - 1
        if not taken:
            self._bits = (self._bits << clocks) & mask
            return
        while clocks:
            move = min(clocks, self._zeros() + 1)
            fed = self._pattern[(self._at + move - 1) % len(self._pattern)]
            self._bits = ((self._bits << move) | fed) & mask
            self._at = (self._at + move) % len(self._pattern)
            clocks -= move

    def state(self) -> Hashable:
        return self._at, self._bits

    def _zeros(self) -> int:
        """Inputs to come before one that makes an output."""
        found = self._pattern.find(1, self._at)
        if found < 0:
            found = self._pattern.index(1) + len(self._pattern)
        return found - self._at


class Queue:
    """A FIFO of `depth` beats, valid one clock after a write, ready while not full (registered)."""

    __slots__ = ("_depth", "count", "peak")

    def __init__(self, depth: int, count: int = 0) -> None:
        self._depth = depth
        self.count = count
        self.peak = count

    def valid(self) -> bool:
        return self.count > 0

    def ready(self, downstream: bool) -> bool:
        return self.count < self._depth

    def steady(self, taken: bool, given: bool) -> int:
        if taken == given:
            return FOREVER
        if given:
            return self.count if self.count < self._depth else 1
        return self._depth - self.count if self.count else 1

    def step(self, taken: bool, given: bool, clocks: int) -> None:
        self.count += (taken - given) * clocks
        self.peak = max(self.peak, self.count)

    def state(self) -> Hashable:
        return self.count
