"""Interrupts of the simulated board: a vendor's AXI interrupt controller, and a UIO stand-in.

pynq's own `Interrupt` runs on them. The controller has the registers of AMD PG099 that pynq uses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pynq.interrupt

CLOCKS_A_LOOK = 2_000
"""Clocks that pass while nothing but an interrupt is waited for, before it is looked for again."""
_STATUS, _PENDING, _ENABLE, _ACKNOWLEDGE = 0x00, 0x04, 0x08, 0x0C
_SET, _CLEAR, _MASTER = 0x10, 0x14, 0x1C


class InterruptController:
    """Levels of its input lines in, one line out."""

    def __init__(self, lines: Callable[[], int]) -> None:
        """`lines` gives the levels of the inputs, a bit each."""
        self._lines = lines
        self._status = self._enabled = self._master = 0

    def read(self, offset: int) -> int:
        """A register; one that is not there is 0."""
        self._status |= self._lines()
        known = {
            _STATUS: self._status,
            _PENDING: self._status & self._enabled,
            _ENABLE: self._enabled,
            _MASTER: self._master,
        }
        return known.get(offset, 0)

    def write(self, offset: int, word: int) -> None:
        """Write a register."""
        if offset == _ENABLE:
            self._enabled = word
        elif offset == _SET:
            self._enabled |= word
        elif offset == _CLEAR:
            self._enabled &= ~word
        elif offset == _ACKNOWLEDGE:
            self._status &= ~word
        elif offset == _MASTER:
            self._master = word & 3

    @property
    def output(self) -> bool:
        """The line to the processor."""
        return self._master == 3 and self.read(_PENDING) != 0


class SimulatedUio:
    """Stands for `pynq.uio.UioController`: tells events when the line to the processor is high."""

    look: Callable[[], bool]
    """Whether the line is high; where it is not, lets clocks of the board pass."""

    def __init__(self, device: str) -> None:
        self.wait_events: list[Any] = []
        self._watch: asyncio.Task[None] | None = None

    def add_event(self, event: Any, number: int) -> None:
        """Call `event.set()` at the next interrupt."""
        self.wait_events.append(event)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        while not type(self).look():
            await asyncio.sleep(0)
        events, self.wait_events = self.wait_events, []
        for event in events:
            event.set()


def install(look: Callable[[], bool]) -> None:
    """Give pynq the lines of a board; `look` as in SimulatedUio."""
    SimulatedUio.look = staticmethod(look)
    pynq.interrupt.UioController = SimulatedUio
    pynq.interrupt.get_uio_irq = _uio_of
    pynq.interrupt._InterruptController._uio_devices.clear()
    pynq.interrupt._InterruptController._controllers.clear()


def _uio_of(irq: int) -> str:
    return f"simulated {irq}"
