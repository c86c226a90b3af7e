"""Batches through the shell `axis`, by AMD's DMA core between memory and its streams."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shiftloom.host.buffers import Buffers
from shiftloom.host.errors import BusError, DesignError, HardwareError, StuckError
from shiftloom.host.frames import Bytes
from shiftloom.host.registers import Registers

_CONTROL, _RESET = 0x00, 0x04
"""A register of the DMA core, and its bit that resets both channels until it reads as 0."""
_PAUSE = 0.0001
_HINT = "check its memory port"


@contextmanager
def _as_bus_error() -> Iterator[None]:
    """What pynq says of the DMA core as a BusError."""
    try:
        yield
    except RuntimeError as error:
        raise BusError(f"pynq says of the DMA core: {error}; {_HINT}") from error


class DmaTransport:
    """One batch at a time: the core has no queue. `dma` is a `pynq.lib.dma.DMA`.

    Raises DesignError where that moves less than a frame.
    """

    depth = 1

    def __init__(self, registers: Registers, buffers: Buffers, dma: Any) -> None:
        self._registers, self._buffers, self._dma = registers, buffers, dma
        limit, stride = int(dma.buffer_max_size), max(buffers.in_stride, buffers.out_stride)
        if stride > limit:
            hint = "give the core a wider length register (c_sg_length_width)"
            raise DesignError(f"frames of {stride} bytes, the DMA core moves {limit}; {hint}")
        self.most: int | None = limit // stride
        self._done, self._expected = 0, 0

    def reserve(self, frames: int) -> None:
        """Have buffers for batches of so many frames."""
        self._buffers.reserve(frames)

    def begin(self) -> None:
        """Count batches from here on."""
        self._done = self._expected = 0

    def input(self, slot: int) -> Bytes:
        """Where the frames of a batch are written to."""
        return self._buffers.input(slot)

    def submit(self, slot: int, frames: int) -> None:
        """Begin both transfers of a batch, that of the results first."""
        given, taken = self._buffers.flushed(slot, frames)
        self._registers.write("BATCH", frames)
        with _as_bus_error():
            self._dma.recvchannel.transfer(taken)
            self._dma.sendchannel.transfer(given)
        self._expected = taken.nbytes

    def done(self) -> int:
        """Batches finished since `begin`; raises BusError where the DMA core has stopped."""
        channels = {"reading": self._dma.sendchannel, "writing": self._dma.recvchannel}
        for what, channel in channels.items():
            if channel.error:
                raise BusError(f"the DMA core has stopped {what} frames; {_HINT}")
        if self._expected and all(channel.idle for channel in channels.values()):
            self._finish()
        return self._done

    def _finish(self) -> None:
        """Close the transfers, which are over: waiting for them takes no time."""
        with _as_bus_error():
            self._dma.sendchannel.wait()
            self._dma.recvchannel.wait()
        found, expected, self._expected = self._dma.recvchannel.transferred, self._expected, 0
        if found != expected:
            raise HardwareError(
                f"the DMA core has received {found} bytes of a batch of {expected}; "
                "check that driver and bit file are of one build"
            )
        self._done += 1

    def output(self, slot: int, frames: int) -> Bytes:
        """The results of a finished batch."""
        return self._buffers.output(slot, frames)

    def stop(self, seconds: float) -> None:
        """Reset the DMA core, whose channels could wait for ever for a stream; start it again."""
        self._expected = 0
        self._dma.write(_CONTROL, _RESET)
        end = time.monotonic() + seconds
        while self._dma.read(_CONTROL) & _RESET:
            if time.monotonic() > end:
                raise StuckError(
                    f"the DMA core does not end its reset within {seconds:g} s; "
                    "load the bit file again, and check the clock of the core"
                )
            time.sleep(_PAUSE)
        self._dma.sendchannel.start()
        self._dma.recvchannel.start()

    def close(self) -> None:
        """Give the buffers back."""
        self._buffers.close()
