"""Batches over a line to the board, such as that of the shell `serial`; no pynq is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from shiftloom.host.errors import AcceleratorError, DesignError
from shiftloom.host.frames import Bytes
from shiftloom.host.hardware import SLOTS, Interrupt
from shiftloom.host.registers import Bus, Registers


class Link(Bus, Protocol):
    """Registers and frames at the other end of a line."""

    def frames(self, frames: Bytes, /) -> Bytes:
        """The output frames [N, bytes] of the input frames [N, bytes]."""


@runtime_checkable
class StoppableLink(Link, Protocol):
    """A link that ends a batch early, as the serial line does."""

    def frames_until(self, frames: Bytes, dropped: Callable[[], bool], /) -> Bytes:
        """As `frames`, until `dropped`: then outputs that are missing are anything."""


class LineRegisters:
    """The registers at the other end; counts the resets that the host asks for."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._reset_at: int | None = None
        self.resets = 0
        """One that is about to be written is counted."""

    def watch(self, offset: int) -> None:
        """A word that is not 0 at `offset` is a reset."""
        self._reset_at = offset

    def read(self, offset: int) -> int:
        """The word of a register; raises what the link does."""
        return self._link.read(offset)

    def write(self, offset: int, word: int) -> None:
        """Write the word of a register; raises what the link does."""
        if offset == self._reset_at and word:
            self.resets += 1
        self._link.write(offset, word)


class Line:
    """Hardware behind a link; for `hardware.Hardware`."""

    interrupt: Interrupt | None = None

    def __init__(self, link: Link, clock_mhz: float) -> None:
        """`clock_mhz` is that of the build: the bitstream makes its own clock."""
        self._link, self._registers = link, LineRegisters(link)
        self.bus: Bus = self._registers
        self.clock_mhz = clock_mhz

    def transport(self, registers: Registers, in_bytes: int, out_bytes: int) -> LineTransport:
        """What moves frames of so many bytes."""
        self._registers.watch(registers.offset("SHELL_CONTROL"))
        return LineTransport(self._link, self._registers, in_bytes)

    def allocate(self, rows: int, size: int) -> Any:
        """No memory is reached from here; raises DesignError."""
        raise DesignError("external memory behind a line; use a build with the shell mm or axis")

    def watts(self) -> Mapping[str, float] | None:
        """Nothing is measured."""
        return None


class LineTransport:
    """A batch has come back when `submit` returns; a reset from another thread ends it early."""

    depth = 1
    most: int | None = None

    def __init__(self, link: Link, registers: LineRegisters, in_bytes: int) -> None:
        self._link, self._registers, self._in_bytes = link, registers, in_bytes
        self._inputs: list[Bytes] = []
        self._outputs: dict[int, Bytes] = {}
        self._done = self._resets = 0

    def reserve(self, frames: int) -> None:
        """Have buffers for batches of so many frames."""
        if not self._inputs or len(self._inputs[0]) < frames:
            self._inputs = [np.empty((frames, self._in_bytes), np.uint8) for _ in range(SLOTS)]

    def begin(self) -> None:
        """Count batches from here on."""
        self._done, self._resets = 0, self._registers.resets

    def input(self, slot: int) -> Bytes:
        """Where the frames of a batch are written to."""
        return self._inputs[slot]

    def submit(self, slot: int, frames: int) -> None:
        """Send the frames, and take the results; raises what the link does."""
        given = self._inputs[slot][:frames]
        if isinstance(self._link, StoppableLink):
            self._outputs[slot] = self._link.frames_until(given, self._dropped)
        else:
            self._outputs[slot] = self._link.frames(given)
        self._done += 1

    def done(self) -> int:
        """Batches finished since `begin`; raises AcceleratorError after a reset."""
        if self._dropped():
            raise AcceleratorError("the accelerator was reset; call predict again")
        return self._done

    def _dropped(self) -> bool:
        return self._registers.resets != self._resets

    def output(self, slot: int, frames: int) -> Bytes:
        """The results of a finished batch."""
        return self._outputs[slot]

    def stop(self, seconds: float) -> None:
        """Nothing: no batch is under way between two calls."""

    def close(self) -> None:
        """Forget the buffers."""
        self._inputs, self._outputs = [], {}
