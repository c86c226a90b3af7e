"""Clock-exact handshake model of `sl_vector_buffer`."""

from __future__ import annotations

from collections.abc import Hashable

from shiftloom.codegen.dataflows.streaming.timing import FOREVER


class VectorTiming:
    """Two vectors of `words` beats; each is given `passes` times, the first while it loads."""

    __slots__ = ("_held", "_offered", "_pass", "_passes", "_read", "_words", "_written")

    def __init__(self, words: int, passes: int) -> None:
        self._words = words
        self._passes = passes
        self._held = self._written = self._read = self._pass = 0
        self._offered = False

    def valid(self) -> bool:
        return self._offered

    def ready(self, downstream: bool) -> bool:
        return self._held != 2

    def steady(self, taken: bool, given: bool) -> int:
        moves = given or not self._offered
        reads = moves and self._readable()
        if moves and reads != self._offered:
            return 1
        clocks = self._words - self._written if taken else FOREVER
        if not reads:
            return 1 if taken and moves else clocks
        if self._held == 0 and not taken:
            clocks = self._written - self._read
        return min(clocks, self._words - self._read)

    def step(self, taken: bool, given: bool, clocks: int) -> None:
        reads = False
        if given or not self._offered:
            reads = self._offered = self._readable()
        if taken:
            self._written += clocks
            if self._written == self._words:
                self._written = 0
                self._held += 1
        if reads:
            self._read += clocks
            if self._read == self._words:
                self._next_pass()

    def state(self) -> Hashable:
        return self._held, self._written, self._read, self._pass, self._offered

    def _readable(self) -> bool:
        return self._held != 0 or self._read != self._written

    def _next_pass(self) -> None:
        self._read = 0
        self._pass += 1
        if self._pass == self._passes:
            self._pass = 0
            self._held -= 1
