"""Batches over a line to the board, such as that of the shell `serial`; no pynq is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from shiftloom.host.errors import DesignError
from shiftloom.host.frames import Bytes
from shiftloom.host.hardware import SLOTS, Interrupt
from shiftloom.host.registers import Bus, Registers


class Link(Bus, Protocol):
    """Registers and frames at the other end of a line."""

    def frames(self, frames: Bytes, /) -> Bytes:
        """The output frames [N, bytes] of the input frames [N, bytes]."""


class Line:
    """Hardware behind a link; for `hardware.Hardware`."""

    interrupt: Interrupt | None = None

    def __init__(self, link: Link, clock_mhz: float) -> None:
        """`clock_mhz` is that of the build: the bitstream makes its own clock."""
        self.bus: Bus = link
        self.clock_mhz = clock_mhz
        self._link = link

    def transport(self, registers: Registers, in_bytes: int, out_bytes: int) -> LineTransport:
        """What moves frames of so many bytes."""
        return LineTransport(self._link, in_bytes)

    def allocate(self, rows: int, size: int) -> Any:
        """No memory is reached from here; raises DesignError."""
        raise DesignError("external memory behind a line; use a build with the shell mm or axis")

    def watts(self) -> Mapping[str, float] | None:
        """Nothing is measured."""
        return None


class LineTransport:
    """A batch has come back when `submit` returns."""

    depth = 1
    most: int | None = None

    def __init__(self, link: Link, in_bytes: int) -> None:
        self._link, self._in_bytes = link, in_bytes
        self._inputs: list[Bytes] = []
        self._outputs: dict[int, Bytes] = {}
        self._done = 0

    def reserve(self, frames: int) -> None:
        """Have buffers for batches of so many frames."""
        if not self._inputs or len(self._inputs[0]) < frames:
            self._inputs = [np.empty((frames, self._in_bytes), np.uint8) for _ in range(SLOTS)]

    def begin(self) -> None:
        """Count batches from here on."""
        self._done = 0

    def input(self, slot: int) -> Bytes:
        """Where the frames of a batch are written to."""
        return self._inputs[slot]

    def submit(self, slot: int, frames: int) -> None:
        """Send the frames, and take the results; raises what the link does."""
        self._outputs[slot] = self._link.frames(self._inputs[slot][:frames])
        self._done += 1

    def done(self) -> int:
        """Batches finished since `begin`."""
        return self._done

    def output(self, slot: int, frames: int) -> Bytes:
        """The results of a finished batch."""
        return self._outputs[slot]

    def stop(self, seconds: float) -> None:
        """Nothing: no batch is under way between two calls."""

    def close(self) -> None:
        """Forget the buffers."""
        self._inputs, self._outputs = [], {}
