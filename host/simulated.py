"""A board without a board: pynq's own classes over the RTL of a build, compiled for this machine.

Importing this module makes it pynq's active device, where there is no other: `pynq.Overlay` loads a
bitstream of `shiftloom implement --flow simulated`, and `pynq.MMIO`, `pynq.allocate` and
`pynq.lib.dma.DMA` reach its registers and its memory. Needs pynq, and what that needs.

Buffers are not coherent, as on a board: what was written counts after `flush`, what the accelerator
wrote is there after `invalidate`. Clocks pass when registers are read, `CLOCKS_A_READ` each time.

Threads may use the board together: an access is one turn, with the clocks that it takes. A library
that kept the interpreter's lock would do as well, but no thread would run while clocks pass.
"""

from __future__ import annotations

import ctypes
import mmap
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from pynq import Device
from pynq.buffer import PynqBuffer
from pynq.pl_server.embedded_device import parse_bit_header
from pynq.pl_server.hwh_parser import HWH, get_hwh_name

from shiftloom.host import simulated_interrupts
from shiftloom.host.bitstream import IGNORED
from shiftloom.host.simulated_interrupts import CLOCKS_A_LOOK, InterruptController
from shiftloom.host.simulated_rtl import MEMORY_BASE, MEMORY_BYTES, Rtl, SimulationError
from shiftloom.host.turns import Turns

CLOCKS_A_READ = 500
LATENCY = (40, 40)
"""Clocks from an address on a bus to the answer, the least and the most."""
_PAGE = mmap.PAGESIZE
_ALWAYS = 0xFFFF_FFFF


class _Handoff(HWH):  # type: ignore[misc]
    """pynq's reader of .hwh files, which knows no processing system on this machine."""

    family_ps = "simulated_processor"
    family_irq: ClassVar[dict[str, Any]] = {"irq_in": ((0, 1),)}
    family_gpio = "none"
    systemgraph = None

    def init_clk_dict(self, mod: object) -> None:
        """Clocks of a processing system are none here."""


class _Core(Protocol):
    """Registers at offsets of an address."""

    def read(self, offset: int) -> int:
        """A register."""

    def write(self, offset: int, word: int) -> None:
        """Write a register."""


@dataclass(frozen=True)
class _Held:
    """What pynq keeps as the pointer of a buffer, and gives back."""

    address: int
    buffer: weakref.ref[PynqBuffer]


class _ClockRegisters:
    """Those of a Zynq-7000 with which pynq sets its clocks, the IO PLL at 1000 MHz. No more."""

    BASE, BYTES = 0xF800_0000, 0x200
    ARCHITECTURE = "armv7l"
    """What pynq calls a Zynq-7000."""
    _PLL, _TWENTY = 0x108, 20 << 12

    def __init__(self) -> None:
        self._words = {self._PLL: self._TWENTY}

    def read(self, offset: int) -> int:
        """A register; 0 where nothing was written."""
        return self._words.get(offset, 0)

    def write(self, offset: int, word: int) -> None:
        """Write a register."""
        self._words[offset] = word


class SimulatedBoard(Device):  # type: ignore[misc]
    """A pynq device whose bitstreams are compiled RTL."""

    _probe_priority_ = 1_000_000

    @classmethod
    def _probe_(cls) -> list[SimulatedBoard]:
        return [cls()]

    def __init__(self) -> None:
        super().__init__("simulated")
        self.name = "simulated"
        self.arch = _ClockRegisters.ARCHITECTURE
        self.capabilities = {"REGISTER_RW": True}
        self.timestamp = ""
        self.bitfile_name = None
        self._rtl: Rtl | None = None
        self._interrupts = InterruptController(self._lines)
        self._clocks = _ClockRegisters()
        self._buffers: dict[int, int] = {}
        self._accesses = Turns()

    @property
    def rtl(self) -> Rtl:
        """What is loaded; raises SimulationError before the first bitstream."""
        if self._rtl is None:
            raise SimulationError("no bitstream is loaded; make an Overlay first")
        return self._rtl

    # ------------------------------------------------------------ what pynq calls

    def get_bitfile_metadata(self, bitfile_name: str, partial: bool = False) -> HWH:
        """The cores and addresses that the .hwh file beside a bitstream lists."""
        return _Handoff(get_hwh_name(bitfile_name))

    def download(self, bitstream: Any, parser: Any = None) -> None:
        """Load a bitstream: all begins as after power-up, the memory too."""
        data = parse_bit_header(Path(bitstream.bitfile_name).read_bytes())["data"]
        _, _, data = data.partition(IGNORED)
        if not data.startswith(b"\x7fELF"):
            hint = "make one by shiftloom implement --flow simulated"
            raise SimulationError(f"{bitstream.bitfile_name}: is for a real board; {hint}")
        loaded = Rtl(data)
        with self._accesses.turn():
            if self._rtl is not None:
                self._rtl.close()
            self._rtl = loaded
            self._interrupts = InterruptController(self._lines)
            simulated_interrupts.install(self._look)
        self.post_download(bitstream, parser)

    def read_registers(self, address: int, length: int) -> bytes:
        """The word at an address, after some clocks; those of the board need no bitstream."""
        with self._accesses.turn():
            core, offset = self._core(address)
            if self._rtl is not None:
                self._rtl.run(CLOCKS_A_READ)
            return core.read(offset).to_bytes(4, "little")[:length]

    def write_registers(self, address: int, data: bytes) -> None:
        """Write the words from an address on."""
        with self._accesses.turn():
            for at in range(0, len(data), 4):
                core, offset = self._core(address + at)
                core.write(offset, int.from_bytes(data[at : at + 4], "little"))

    def allocate(self, shape: Any, dtype: Any, **_: object) -> PynqBuffer:
        """A buffer at an address of the board's memory, of pages of its own."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        with self._accesses.turn():
            address = self._place(size)
            self._buffers[address] = size
        held = mmap.mmap(-1, max(size, 1))
        buffer = PynqBuffer(
            shape, dtype, buffer=held, device=self, device_address=address, bo=address
        )
        buffer.memory, buffer.return_to = held, self
        buffer.pointer = _Held(address, weakref.ref(buffer))
        return buffer

    def return_pointer(self, held: _Held) -> None:
        """A buffer has ended; it is told so, or pynq would end it once more."""
        self._buffers.pop(held.address, None)
        buffer = held.buffer()
        if buffer is not None:
            buffer.freed = True

    def flush(self, bo: int, offset: int, virtual: int, size: int) -> None:
        """What the host wrote into a buffer goes to the memory."""
        with self._accesses.turn():
            ctypes.memmove(self._memory(bo + offset), virtual, size)

    def invalidate(self, bo: int, offset: int, virtual: int, size: int) -> None:
        """What is in the memory comes into a buffer."""
        with self._accesses.turn():
            ctypes.memmove(virtual, self._memory(bo + offset), size)

    # ------------------------------------------------------------ what tests ask for

    def behave(
        self,
        latency: tuple[int, int] = LATENCY,
        stall: float = 0.0,
        error: int | None = None,
    ) -> None:
        """How the memory behaves from now on.

        `stall` is the probability of a pause of each channel in each clock, 1 of one without an
        end; `error` is the address of a word that is answered by SLVERR.
        """
        with self._accesses.turn():
            self.rtl.behave(*latency, error or 0, min(int(stall * 2**32), _ALWAYS))

    # ------------------------------------------------------------

    def _core(self, address: int) -> tuple[_Core, int]:
        """The core at an address, with `read` and `write`, and the offset of its register."""
        if 0 <= address - self._clocks.BASE < self._clocks.BYTES:
            return self._clocks, address - self._clocks.BASE
        rtl = self.rtl
        cores: dict[str, _Core] = {"accelerator": rtl, "dma": rtl.dma()}
        cores["interrupts"] = self._interrupts
        for name, core in self.ip_dict.items():
            offset = address - core.get("phys_addr", address + 1)
            if 0 <= offset < core.get("addr_range", 0):
                return cores[name], offset
        raise SimulationError(f"no core is at {address:#x}")

    def _lines(self) -> int:
        """The inputs of the interrupt controller."""
        return int(self.rtl.interrupt())

    def _look(self) -> bool:
        """Whether the interrupt is there; where it is not, some clocks pass."""
        with self._accesses.turn():
            if self._interrupts.output:
                return True
            self.rtl.run(CLOCKS_A_LOOK)
            return False

    def _place(self, size: int) -> int:
        """The first gap between buffers that is large enough, in whole pages."""
        place = MEMORY_BASE
        for address, taken in sorted(self._buffers.items()):
            if address - place >= size:
                break
            place = address + -(-taken // _PAGE) * _PAGE
        if place + size > MEMORY_BASE + MEMORY_BYTES:
            left = MEMORY_BASE + MEMORY_BYTES - place
            raise MemoryError(f"buffer of {size:,} bytes: {left:,} are left")
        return place

    def _memory(self, address: int) -> int:
        """Where the memory of the board is in that of this process."""
        return self.rtl.memory + address - MEMORY_BASE
