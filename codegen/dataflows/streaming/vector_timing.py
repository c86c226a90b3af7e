"""Clock-exact handshake model of `sl_vector_buffer`."""

from __future__ import annotations


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

    def step(self, taken: bool, given: bool) -> bool:
        ready = not self._offered or given
        read = ready and (self._held != 0 or self._read != self._written)
        if ready:
            self._offered = read
        if taken:
            self._written += 1
            if self._written == self._words:
                self._written = 0
                self._held += 1
        if read:
            self._read += 1
            if self._read == self._words:
                self._read = 0
                self._pass += 1
                if self._pass == self._passes:
                    self._pass = 0
                    self._held -= 1
        return read or taken
