"""Buffers of batches: memory that both the host and a DMA reach, a row a frame."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.host.errors import InputError
from shiftloom.host.frames import Bytes, filled_up
from shiftloom.host.hardware import SLOTS, Hardware

ADDRESS_BITS = 32


class Buffers:
    """Input and output of SLOTS batches, made when they are first needed."""

    def __init__(self, hardware: Hardware, in_bytes: int, out_bytes: int) -> None:
        self._hardware = hardware
        self.in_stride, self.out_stride = filled_up(in_bytes), filled_up(out_bytes)
        self._frames = 0
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def reserve(self, frames: int) -> None:
        """Have room for batches of so many frames; smaller buffers are given back first."""
        if frames <= self._frames:
            return
        self.close()
        for _ in range(SLOTS):
            self._inputs.append(self._hardware.allocate(frames, self.in_stride))
            self._outputs.append(self._hardware.allocate(frames, self.out_stride))
        self._frames = frames

    def addresses(self) -> list[tuple[int, int]]:
        """Where input and output of each batch begin.

        Raises InputError where the accelerator does not reach one; then all are given back, so
        that a smaller batch gets others.
        """
        pairs = zip(self._inputs, self._outputs, strict=True)
        try:
            return [(address(given), address(taken)) for given, taken in pairs]
        except InputError:
            self.close()
            raise

    def input(self, slot: int) -> Bytes:
        """The rows of the input, as a plain array."""
        return np.asarray(self._inputs[slot])

    def flushed(self, slot: int, frames: int) -> tuple[Any, Any]:
        """Input and output for a DMA: what the host has written is in memory.

        Nothing of the output is in a cache any more that could be written over what comes.
        """
        given, taken = self._inputs[slot][:frames], self._outputs[slot][:frames]
        given.flush()
        taken.flush()
        return given, taken

    def output(self, slot: int, frames: int) -> Bytes:
        """The rows of the output as a plain array, as they are in memory."""
        rows = self._outputs[slot][:frames]
        rows.invalidate()
        return np.asarray(rows)

    def close(self) -> None:
        """Give everything back."""
        self._frames = 0
        for buffers in (self._inputs, self._outputs):
            while buffers:
                buffers.pop().freebuffer()


def address(buffer: Any) -> int:
    """Where a buffer begins; raises InputError where the accelerator's addresses end before."""
    first, last = buffer.physical_address, buffer.physical_address + buffer.nbytes - 1
    if last >> ADDRESS_BITS:
        raise InputError(
            f"a buffer reaches up to {last:#x}, addresses have {ADDRESS_BITS} bits; "
            "use a smaller batch, or keep the memory for buffers (CMA) below 4 GiB"
        )
    return int(first)
