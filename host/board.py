"""A board by pynq: the overlay, its accelerator and DMA core, memory, power. Imports pynq."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from shiftloom.host import bitstream, clock
from shiftloom.host.bitstream import ACCELERATOR, BitstreamError
from shiftloom.host.buffers import Buffers
from shiftloom.host.description import Description
from shiftloom.host.dma import DmaTransport
from shiftloom.host.errors import AcceleratorError, DesignError, shown
from shiftloom.host.hardware import Interrupt, Transport
from shiftloom.host.mm import MemoryTransport
from shiftloom.host.registers import Bus, Registers

DMA, INTERRUPT = "dma", "interrupt"
"""Name of the DMA core in the block design, and of the line of the accelerator."""
_FPGA_MANAGER = Path("/sys/class/fpga_manager")
_XRT = "XILINX_XRT", "/usr"
"""What pynq finds no board without. A login sets it, a command over SSH does not."""


class Board:
    """An overlay on a device of pynq; for `hardware.Hardware`."""

    def __init__(self, bitfile: Path, device: Any, design: Description) -> None:
        """Load the overlay, and set its clock to that of the plan or below.

        Raises AcceleratorError where pynq is missing or has no device, DesignError for a file that
        is damaged, for another part or without the core, HardwareError without such a clock.
        """
        if design.shell == "serial":
            hint = "open it with Accelerator.serial"
            raise DesignError(f"the shell {design.shell} is not reached by an overlay; {hint}")
        _check_files(bitfile, design)
        self._pynq, self._device, self._shell = _pynq(), device, design.shell
        self._overlay = self._load(bitfile)
        self.clock_mhz = clock.settle(self._pynq.Clocks, design.clock_mhz)
        core = self._core(ACCELERATOR)
        self.bus: Bus = core.mmio
        self.interrupt: Interrupt | None = getattr(core, INTERRUPT, None)

    def _load(self, bitfile: Path) -> Any:
        try:
            return self._pynq.Overlay(str(bitfile), device=self._device)
        except (RuntimeError, OSError, ValueError) as error:
            hint = "on a board, run this as the superuser with the Python of its pynq"
            raise AcceleratorError(f"{bitfile.name}: pynq says: {error}; {hint}") from error
        except (AttributeError, LookupError, TypeError) as error:
            hwh = bitfile.with_suffix(".hwh").name
            problem = f"{hwh}: pynq does not understand it ({shown(error)})"
            hint = "export it and the bitstream again, from the block design of the build"
            raise DesignError(f"{problem}; {hint}") from error

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


def _check_files(bitfile: Path, design: Description) -> None:
    """The bitstream and the .hwh beside it are whole, and for the part of the build."""
    try:
        bitstream.check_files(bitfile, bitfile.with_suffix(".hwh"), design.part)
    except BitstreamError as error:
        raise DesignError(f"{error}; put the files there that were made of this build") from error


def _pynq() -> ModuleType:
    if _FPGA_MANAGER.exists():
        os.environ.setdefault(*_XRT)
    try:
        import pynq
    except ImportError as error:
        hint = "run this on the board, with the Python that has it, or use Accelerator.serial"
        raise AcceleratorError(f"pynq is not installed; {hint}") from error
    module: ModuleType = pynq
    return module
