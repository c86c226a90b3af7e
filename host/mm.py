"""Batches through the shell `mm`, which reads and writes memory by itself."""

from __future__ import annotations

from shiftloom.host.buffers import Buffers
from shiftloom.host.frames import Bytes
from shiftloom.host.hardware import SLOTS
from shiftloom.host.registers import WORD, Registers


class MemoryTransport:
    """Two batches are queued, so that the next one begins without the host."""

    depth = SLOTS
    most: int | None = None

    def __init__(self, registers: Registers, buffers: Buffers) -> None:
        self._registers, self._buffers = registers, buffers
        self._addresses: list[tuple[int, int]] = []
        self._first = 0

    def reserve(self, frames: int) -> None:
        """Have buffers for batches of so many frames; raises InputError for those out of reach."""
        self._buffers.reserve(frames)
        self._addresses = self._buffers.addresses()

    def begin(self) -> None:
        """Count batches from here on."""
        self._first = self._registers.read("BATCHES")

    def input(self, slot: int) -> Bytes:
        """Where the frames of a batch are written to."""
        return self._buffers.input(slot)

    def submit(self, slot: int, frames: int) -> None:
        """Queue the frames of a slot."""
        self._buffers.flushed(slot, frames)
        given, taken = self._addresses[slot]
        self._registers.write("BATCH", frames)
        self._registers.write("IN_ADDRESS", given)
        self._registers.write("OUT_ADDRESS", taken)
        self._registers.write("START", self._registers.mask("START", "start"))

    def done(self) -> int:
        """Batches finished since `begin`."""
        return (self._registers.read("BATCHES") - self._first) & WORD

    def output(self, slot: int, frames: int) -> Bytes:
        """The results of a finished batch."""
        return self._buffers.output(slot, frames)

    def stop(self, seconds: float) -> None:
        """Nothing: the reset of the shell ends all batches."""

    def close(self) -> None:
        """Give the buffers back."""
        self._buffers.close()
