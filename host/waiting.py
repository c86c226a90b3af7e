"""Waiting for the accelerator in a coroutine: by its interrupt where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from shiftloom.host.hardware import Interrupt
from shiftloom.host.registers import Registers

SLICE = 0.05
"""Seconds after which the state is looked at without an interrupt: a stuck core makes none."""


class Waiter:
    """The interrupt is a level: `batch_done`, once cleared, rises with the next batch."""

    def __init__(self, registers: Registers, interrupt: Interrupt | None) -> None:
        self._registers = registers
        self._interrupt = interrupt if "INTERRUPT" in registers else None
        self._woken = False

    @contextmanager
    def enabled(self) -> Iterator[None]:
        """The interrupt is raised within the block."""
        if self._interrupt is None:
            yield
            return
        self._clear()
        self._registers.write("INTERRUPT_ENABLE", 1)
        try:
            yield
        finally:
            self._registers.write("INTERRUPT_ENABLE", 0)

    async def wait(self, seconds: float) -> None:
        """Until the interrupt comes, or for `seconds` without one.

        After an interrupt comes a short wait: the results may still be on their way to memory. An
        interrupt that pynq refuses to wait for, because it has waited in another event loop or for
        another overlay, is not asked again.
        """
        if self._interrupt is None or self._woken:
            self._woken = False
            await asyncio.sleep(seconds)
            return
        task = asyncio.ensure_future(self._interrupt.wait())
        try:
            done, _ = await asyncio.wait({task}, timeout=SLICE)
        finally:
            task.cancel()
        for each in done:
            if isinstance(each.exception(), RuntimeError):
                self._interrupt = None
                return
            each.result()
            self._woken = True
            self._clear()

    def _clear(self) -> None:
        self._registers.write("INTERRUPT", self._registers.mask("INTERRUPT", "batch_done"))
