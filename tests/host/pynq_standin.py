"""pynq without a board: what the driver uses of it, with the same signatures, on a FakeDevice.

`board_signatures.py` compares it with pynq itself.
"""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from fake_device import FakeDevice


class PynqBuffer(np.ndarray[Any, Any]):
    """An array of the host; the device sees what was flushed, the host what was invalidated."""

    board: Any
    device_address: int

    def __array_finalize__(self, obj: Any) -> None:
        if isinstance(obj, PynqBuffer):
            here, there = (x.__array_interface__["data"][0] for x in (self, obj))
            self.device_address = obj.device_address + here - there
            self.board = obj.board

    @property
    def physical_address(self) -> int:
        return self.device_address

    def flush(self) -> None:
        if self.nbytes:
            cells = self.board.at(self.device_address, self.nbytes)
            cells[:] = np.asarray(self).reshape(-1)

    def invalidate(self) -> None:
        if self.nbytes:
            cells = self.board.at(self.device_address, self.nbytes)
            np.asarray(self).reshape(-1)[:] = cells

    def freebuffer(self) -> None:
        self.board.release(self.device_address)


def allocate(shape: Any, dtype: Any = "u4", target: Any = None, **kwargs: Any) -> PynqBuffer:
    assert kwargs == {"cacheable": 1}
    buffer = np.full(shape, 0xA5, dtype).view(PynqBuffer)
    buffer.board = target
    buffer.device_address = target.reserve(buffer.nbytes)
    return buffer


class MMIO:
    def __init__(self, base_addr: int, length: int = 4, device: Any = None, **kwargs: Any) -> None:
        self.device = device

    def read(self, offset: int = 0, length: int = 4, word_order: str = "little") -> int:
        return int(self.device.read(offset))

    def write_mm(self, offset: int, data: Any) -> None:
        if type(data) is not int:
            raise ValueError("Data type must be int or bytes.")
        self.device.write(offset, data)

    write = write_mm


class Interrupt:
    def __init__(self, pinname: str, device: FakeDevice) -> None:
        self.device = device

    async def wait(self) -> None:
        while not self.device.line:
            self.device.look()
            await asyncio.sleep(0)
        self.device.interrupts += 1


class DefaultIP:
    def __init__(self, description: dict[str, Any]) -> None:
        self.device = description["device"]
        self.mmio = MMIO(description["phys_addr"], description["addr_range"], device=self.device)
        for pin in description.get("interrupts", {}):
            setattr(self, pin, Interrupt(pin, self.device))


class _SDMAChannel:
    """Either half of a DMA core; the device's queue holds what it has been given."""

    def __init__(self, dma: Any) -> None:
        self._dma = dma
        self.error = False
        self.running = True
        self.buffer: Any = None
        self.transferred = 0

    @property
    def idle(self) -> bool:
        self._dma.device.look()
        return self.buffer is None or not self._dma.device.queue

    def start(self) -> None:
        self.running, self.error, self.buffer = True, False, None

    def stop(self) -> None:
        self.running = False

    def transfer(self, array: Any, start: int = 0, nbytes: int = 0) -> None:
        if not self.running or self.buffer is not None:
            raise RuntimeError("DMA channel not idle")
        if array.nbytes > self._dma.buffer_max_size:
            raise ValueError("Transfer size exceeds the maximum DMA buffer size")
        self.buffer = array
        self._dma.begin()

    def wait(self) -> None:
        assert self.idle, "pynq would wait here for ever"
        if self is self._dma.recvchannel:
            self.buffer.invalidate()
        self.transferred = self.buffer.nbytes - self._dma.lost
        self.buffer = None

    async def wait_async(self) -> None:
        self.wait()


class DMA(DefaultIP):
    """lost: bytes that the stream lacks. resets: writes of the reset bit. stuck: it never ends."""

    buffer_max_size = (1 << 14) - 1

    def __init__(self, description: dict[str, Any]) -> None:
        self.device = description["device"]
        self.sendchannel, self.recvchannel = _SDMAChannel(self), _SDMAChannel(self)
        self.lost = self.resets = 0
        self.stuck = False

    def read(self, offset: int = 0) -> int:
        return 4 if self.stuck else 0

    def write(self, offset: int, value: int) -> None:
        if (offset, value) == (0, 4):
            self.resets += 1
            self.sendchannel.stop()
            self.recvchannel.stop()

    def begin(self) -> None:
        given, taken = self.sendchannel.buffer, self.recvchannel.buffer
        if given is None or taken is None:
            return
        given.flush()
        batch = self.device.words["BATCH"]
        assert given.nbytes == batch * self.device.in_stride
        self.device.queue.append(
            {
                "BATCH": batch,
                "IN_ADDRESS": given.physical_address,
                "OUT_ADDRESS": taken.physical_address,
                "done": 0,
            }
        )


class Overlay:
    """cores: the entries of ip_dict; a test changes them."""

    cores: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(
        self,
        bitfile_name: str,
        dtbo: str | None = None,
        download: bool = True,
        ignore_version: bool = False,
        device: Any = None,
        gen_cache: bool = False,
    ) -> None:
        assert isinstance(bitfile_name, str)
        self.bitfile_name = bitfile_name
        where = {"phys_addr": 0xA000_0000, "addr_range": 4096, "device": device}
        self.ip_dict = {name: {**where, **entry} for name, entry in self.cores.items()}
        for name, entry in self.ip_dict.items():
            setattr(self, name, DMA(entry) if name == "dma" else DefaultIP(entry))
            if name == "dma":
                device.stream = self.dma  # type: ignore[attr-defined]


class _ClocksMeta(type):
    rates: tuple[float, ...]
    now: float

    @property
    def fclk0_mhz(cls) -> float:
        return cls.now

    @fclk0_mhz.setter
    def fclk0_mhz(cls, clk_mhz: float) -> None:
        cls.now = min(cls.rates, key=lambda rate: abs(rate - clk_mhz))


class Clocks(metaclass=_ClocksMeta):
    """rates: those that the board makes, of which the nearest is set; a test changes them."""

    rates = (50.0, 100.0, 200.0)
    now = 0.0


def get_rails(config_file: Any = None) -> dict[str, Any]:
    return {}


def sensor(value: float) -> Any:
    return SimpleNamespace(value=value)


def install(monkeypatch: pytest.MonkeyPatch, *, interrupt: bool = False) -> ModuleType:
    """Make `import pynq` find this; the overlay has an accelerator and a DMA core."""
    module = ModuleType("pynq")
    pins = {"interrupt": {"fullpath": "accelerator/interrupt"}} if interrupt else {}
    cores: dict[str, dict[str, Any]] = {"accelerator": {"interrupts": pins}, "dma": {}}
    monkeypatch.setattr(Overlay, "cores", cores)
    for each in (Overlay, MMIO, Clocks, allocate, get_rails):
        setattr(module, each.__name__, each)
    monkeypatch.setitem(sys.modules, "pynq", module)
    return module
