"""A board by pynq: the overlay, its accelerator and DMA core, memory, power. Imports pynq."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from shiftloom.host import clock
from shiftloom.host.buffers import Buffers
from shiftloom.host.dma import DmaTransport
from shiftloom.host.errors import AcceleratorError, DesignError
from shiftloom.host.hardware import Interrupt, Transport
from shiftloom.host.loading import Bus
from shiftloom.host.mm import MemoryTransport
from shiftloom.host.registers import Registers

ACCELERATOR, DMA, INTERRUPT = "accelerator", "dma", "interrupt"
"""Names of the cores in the block design, and of the line of the accelerator."""


class Board:
    """An overlay on a device of pynq; for `hardware.Hardware`."""

    def __init__(self, bitfile: Path, device: Any, shell: str, clock_mhz: float) -> None:
        """Load the overlay, and set its clock to that of the plan or below.

        Raises AcceleratorError without pynq, DesignError without the core, HardwareError without
        such a clock.
        """
        if shell == "serial":
            hint = "open a link to it, and give that to Accelerator.over"
            raise DesignError(f"the shell {shell} is not reached by an overlay; {hint}")
        self._pynq, self._device, self._shell = _pynq(), device, shell
        self._overlay = self._pynq.Overlay(str(bitfile), device=device)
        self.clock_mhz = clock.settle(self._pynq.Clocks, clock_mhz)
        core = self._core(ACCELERATOR)
        self.bus: Bus = core.mmio
        self.interrupt: Interrupt | None = getattr(core, INTERRUPT, None)

    def _core(self, name: str) -> Any:
        """A core of the overlay."""
        if name not in self._overlay.ip_dict:
            names = ", ".join(sorted(self._overlay.ip_dict)) or "none"
            hint = "use a block design that Shiftloom made, or give the core this name"
            raise DesignError(f"the overlay has no core {name!r}, but {names}; {hint}")
        return getattr(self._overlay, name)

    def transport(self, registers: Registers, in_bytes: int, out_bytes: int) -> Transport:
        """What moves frames of so many bytes."""
        buffers = Buffers(self, in_bytes, out_bytes)
        if self._shell == "mm":
            return MemoryTransport(registers, buffers)
        return DmaTransport(registers, buffers, self._core(DMA))

    def allocate(self, rows: int, size: int) -> Any:
        """A buffer of pynq, filled with zeros; raises what pynq does where memory is short.

        It is in the caches of the host, of which pynq makes no use by itself: reading results
        without them is many times slower.
        """
        shape, target = (rows, size), self._device
        buffer = self._pynq.allocate(shape, dtype="u1", target=target, cacheable=1)
        buffer[:] = 0
        return buffer

    def watts(self) -> Mapping[str, float] | None:
        """Power of every rail that the board measures."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there is no library for it: then there is none
            rails = self._pynq.get_rails() if hasattr(self._pynq, "get_rails") else {}
        found = {name: watts for name, rail in rails.items() if (watts := _watts(rail)) is not None}
        return found or None


def _watts(rail: Any) -> float | None:
    """Of a rail that has a sensor for power, or those for voltage and current."""
    if rail.power is not None:
        return float(rail.power.value)
    if rail.voltage is not None and rail.current is not None:
        return float(rail.voltage.value) * float(rail.current.value)
    return None


def _pynq() -> ModuleType:
    try:
        import pynq
    except ImportError as error:
        hint = "run this on the board, with the Python that has it, or use Accelerator.over"
        raise AcceleratorError(f"pynq is not installed; {hint}") from error
    module: ModuleType = pynq
    return module
