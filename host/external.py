"""The external memory of a design: a buffer with its first bytes, known to the accelerator."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.host.buffers import address
from shiftloom.host.description import Memory
from shiftloom.host.errors import DesignError
from shiftloom.host.hardware import Hardware
from shiftloom.host.registers import Registers


class ExternalMemory:
    """Holds the buffer until `close`; for a design without one it does nothing."""

    def __init__(self, hardware: Hardware, registers: Registers, memory: Memory | None) -> None:
        """Raises DesignError where the image is not that of the build."""
        self._buffer: Any = None
        if memory is None:
            return
        image = _image(memory)
        # Its own address may be no multiple, 0 is none either: there is room for the next one.
        self._buffer = hardware.allocate(1, memory.size + memory.alignment)
        try:
            base = address(self._buffer)
            skipped = -base % memory.alignment or (0 if base else memory.alignment)
            self._buffer[0, skipped : skipped + len(image)] = image
            self._buffer.flush()
            registers.write("MEMORY_BASE", base + skipped)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the buffer back."""
        if self._buffer is not None:
            self._buffer.freebuffer()
            self._buffer = None


def _image(memory: Memory) -> Any:
    found = memory.image.stat().st_size if memory.image.is_file() else 0
    if found != memory.image_bytes:
        raise DesignError(
            f"{memory.image}: has {found} bytes, the build {memory.image_bytes}; copy it again"
        )
    return np.fromfile(memory.image, np.uint8)
