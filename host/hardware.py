"""What the driver asks of a board: registers, memory, and a way to move batches of frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from shiftloom.host.frames import Bytes
from shiftloom.host.registers import Bus, Registers

SLOTS = 2
"""Batches that have buffers: one runs while the host fills or empties the other's."""


class Interrupt(Protocol):
    """The interrupt line of the accelerator."""

    async def wait(self) -> None:
        """Return once the line is, or was, high."""


class Transport(Protocol):
    """Moves batches, which finish in the order in which they were submitted."""

    depth: int
    """Batches that may be under way together, at most SLOTS."""
    most: int | None
    """Frames that a batch can have, if there is a limit."""

    def reserve(self, frames: int) -> None:
        """Have buffers for batches of so many frames; nothing is under way."""

    def begin(self) -> None:
        """Count batches from here on; nothing is under way."""

    def input(self, slot: int) -> Bytes:
        """Where the frames of a batch are written to, a row each."""

    def submit(self, slot: int, frames: int) -> None:
        """Run the first `frames` frames of a slot."""

    def done(self) -> int:
        """Batches finished since `begin`; raises BusError where one cannot finish."""

    def output(self, slot: int, frames: int) -> Bytes:
        """The results of a finished batch, a row a frame, valid until the slot is used again."""

    def stop(self, seconds: float) -> None:
        """Drop what is under way, while the shell is in reset; raises StuckError."""

    def close(self) -> None:
        """Give the buffers back; nothing is under way."""


class Hardware(Protocol):
    """A board, or a line to one."""

    bus: Bus
    interrupt: Interrupt | None
    clock_mhz: float
    """Of the accelerator."""

    def transport(self, registers: Registers, in_bytes: int, out_bytes: int) -> Transport:
        """What moves frames of so many bytes."""

    def allocate(self, rows: int, size: int) -> Any:
        """Memory [rows, size] of bytes that the accelerator reaches, as `pynq.allocate` gives it.

        It has a `physical_address`, and `flush`, `invalidate` and `freebuffer`.
        """

    def watts(self) -> Mapping[str, float] | None:
        """Power by the name of a rail; None where nothing is measured."""
