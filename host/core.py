"""The accelerator behind its registers: identity, errors, counters, reset."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shiftloom.host.container import WeightsError
from shiftloom.host.description import Description, leading
from shiftloom.host.errors import (
    AcceleratorError,
    BusError,
    DesignError,
    HardwareError,
    StuckError,
)
from shiftloom.host.hardware import Transport
from shiftloom.host.registers import WORD, Registers

_ERRORS = ("ERRORS", "SHELL_ERRORS")
_STATE = ("STATUS", "SHELL_STATUS", "FRAMES", "BATCHES", "STALLS_IN", "STALLS_OUT")
_OF_A_BUS = frozenset({"bus_error", "misaligned", "read_error", "write_error"})
_RESET_SECONDS = 1.0
_PAUSE = 0.0001
_LOAD = "call load_weights again"


@dataclass(frozen=True)
class Counters:
    """Since the last reset: `frames` finished, clocks busy, `batches` finished, clocks stalled.

    All but `busy_cycles` count modulo 2^32. `stalls_in` are clocks in which a beat waited for the
    core, `stalls_out` those in which a beat of the core waited. A shell without batches has None.
    """

    frames: int
    busy_cycles: int
    batches: int | None
    stalls_in: int
    stalls_out: int


def check_identity(registers: Registers, description: Description) -> None:
    """Refuse hardware that is not the design that the files describe; raises DesignError."""
    hint = "load the bit file that was made of this build"
    for name in ("MAGIC", "VERSION", "SHELL"):
        found, expected = registers.read(name), registers.reset_value(name)
        if found != expected:
            raise DesignError(f"{name} reads {found:#x}, this build has {expected:#x}; {hint}")
    digest = leading(registers.read(name) for name in ("DIGEST0", "DIGEST1"))
    if digest != description.digest[:16]:
        expected_digest = description.digest[:16]
        raise DesignError(f"the hardware is the build {digest}, not {expected_digest}; {hint}")


class Core:
    """What is common to all shells. Errors stay in `errors` until `clear_errors`.

    resets: how many there were. loading: whether weights are being loaded; frames wait meanwhile.
    """

    def __init__(self, registers: Registers, transport: Transport) -> None:
        self.registers = registers
        self._transport = transport
        self._noted: dict[str, str] = {}
        self._rests = False
        self._turn = threading.RLock()
        self.resets = 0
        self.loading = False

    def errors(self) -> dict[str, str]:
        """Names and meanings of the errors since they were cleared."""
        for name in _ERRORS:
            self._noted.update(self.registers.flags(name))
        return dict(self._noted)

    def clear_errors(self) -> None:
        """Forget all errors, in the hardware too; a bus_error there needs a reset."""
        with self._turn:
            self._clear_hardware()
            self._noted.clear()

    def _clear_hardware(self) -> None:
        clear = self.registers.mask("CONTROL", "clear_errors")
        self.registers.write("CONTROL", clear)
        if "SHELL_ERRORS" in self.registers:
            self.registers.write("SHELL_ERRORS", WORD)

    def begin(self) -> None:
        """Note the errors that are there, so that those to come are known as such.

        Raises AcceleratorError beside a load of weights, HardwareError after one that has failed.
        """
        with self.without_load():
            self.check_loaded()
            self.errors()
            self._clear_hardware()
            if not self._rests or any(self.registers.flags(name) for name in _ERRORS):
                self.reset()

    def check_loaded(self) -> None:
        """Raise HardwareError where a load of weights has not ended well: no frame begins."""
        if "LOAD_CONTROL" in self.registers and self.registers.read("LOAD_CONTROL"):
            raise HardwareError(f"weights were not loaded to the end; {_LOAD}")

    @contextmanager
    def without_load(self) -> Iterator[None]:
        """No load of weights begins meanwhile; raises AcceleratorError where one is under way."""
        self._check_no_load()  # one that writes keeps its turn until it has ended
        with self._turn:
            self._check_no_load()
            yield

    def _check_no_load(self) -> None:
        if self.loading:
            raise AcceleratorError("a load of weights is under way; wait until it has ended")

    @contextmanager
    def load(self) -> Iterator[None]:
        """The one load of weights; raises AcceleratorError beside another one."""
        with self.without_load():
            self.loading = True
        try:
            yield
        finally:
            self.loading = False

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """No reset comes between the words of a load: those of other threads wait.

        Raises WeightsError where this thread has made one all the same, as a signal's handler.
        """
        with self._turn:
            before = self.resets
            yield
            if self.resets != before:
                raise WeightsError(f"the accelerator was reset during a load of weights; {_LOAD}")

    def check(self, what: str) -> None:
        """Raise HardwareError, or BusError, for errors since `begin`; they stay noted."""
        found = {k: v for name in _ERRORS for k, v in self.registers.flags(name).items()}
        if not found:
            return
        self._noted.update(found)
        listed = "; ".join(f"{name}: {doc}" for name, doc in found.items())
        if "load_refused" in found:
            raise HardwareError(f"{what}: {listed}; {_LOAD}")
        if _OF_A_BUS & set(found):
            hint = "check the memory ports of the block design; the next frames begin anew"
            raise BusError(f"{what}: {listed}; {hint}")
        hint = "check that the bit file is of this build; the next frames begin anew"
        raise HardwareError(f"{what}: {listed}; {hint}")

    def state(self) -> str:
        """Registers that tell where things stand, and all errors, in words."""
        there = (name for name in _STATE if name in self.registers)
        words = ", ".join(f"{name} {self.registers.read(name):#x}" for name in there)
        return f"{words}, errors: {', '.join(self.errors()) or 'none'}"

    def counters(self) -> Counters:
        """All counters."""
        read = self.registers.read
        batches = read("BATCHES") if "BATCHES" in self.registers else None
        cycles = self.registers.wide("CYCLES")
        return Counters(read("FRAMES"), cycles, batches, read("STALLS_IN"), read("STALLS_OUT"))

    def reset(self) -> None:
        """Drop all that is under way, clear the counters; errors are noted, weights stay.

        Raises StuckError where the hardware does not come to rest.
        """
        with self._turn:
            self._reset()

    def _reset(self) -> None:
        self.errors()
        self.resets, self._rests = self.resets + 1, False
        registers = self.registers
        registers.write("SHELL_CONTROL", registers.mask("SHELL_CONTROL", "shell_reset"))
        registers.write("CONTROL", registers.mask("CONTROL", "soft_reset"))
        self._transport.stop(_RESET_SECONDS)
        moving = registers.mask("SHELL_STATUS", "moving")
        end = time.monotonic() + _RESET_SECONDS
        while registers.read("SHELL_STATUS") & moving:
            if time.monotonic() > end:
                raise StuckError(
                    f"reset: the shell still moves after {_RESET_SECONDS:g} s ({self.state()}); "
                    "a bus does not answer: load the bit file again"
                )
            time.sleep(_PAUSE)
        registers.write("SHELL_CONTROL", 0)
        self._clear_hardware()  # a frame that was cut off counts as short
        self._rests = True
