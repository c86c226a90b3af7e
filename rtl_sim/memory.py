"""The external memory of a simulated top: what the caller chooses of it, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.memory_registers import ALIGNMENT

_WORD = 8


@dataclass(frozen=True, slots=True)
class SimMemory:
    """The memory that a top needs: masters `m<i>_axi`, bytes, and a file with the first of them."""

    ports: int
    size: int
    image: Path


@dataclass(frozen=True, slots=True)
class MemoryModel:
    """How the memory behaves; the defaults are a fast one without contention.

    latency: clocks from an address, or the last beat of a write, to the answer, or the range of
    which it is drawn. stall: probability of a pause of each channel in each clock. bandwidth: most
    beats a clock of all ports together, reads and writes. error: offset in bytes of a word that is
    answered by SLVERR, and not written. base: address of the first byte.
    """

    latency: int | tuple[int, int] = 40
    stall: float = 0.0
    bandwidth: float | None = None
    error: int | None = None
    base: int = 0x1000_0000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no memory does."""
        low, high = self.bounds
        if not 1 <= low <= high:
            raise ShiftloomError("memory", f"latency = {self.latency}", "use 1 or more clocks")
        if not 0 <= self.stall < 1:
            raise ShiftloomError("memory", f"stall = {self.stall}", "use 0 or more, below 1")
        if self.bandwidth is not None and not 0.001 <= self.bandwidth <= 1024:
            hint = "use 0.001 to 1024 beats a clock, or None"
            raise ShiftloomError("memory", f"bandwidth = {self.bandwidth}", hint)
        if self.error is not None and (self.error < 0 or self.error % _WORD):
            raise ShiftloomError("memory", f"error = {self.error}", f"use a multiple of {_WORD}")
        if not 0 <= self.base < 1 << 32 or self.base % _WORD:
            hint = f"use a multiple of {ALIGNMENT} below 2^32"
            raise ShiftloomError("memory", f"base = {self.base:#x}", hint)

    @property
    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest latency."""
        return (self.latency, self.latency) if isinstance(self.latency, int) else self.latency

    def job(self, memory: SimMemory) -> dict[str, int]:
        """The numbers of `MemoryJob` in memory_model.hpp."""
        low, high = self.bounds
        return {
            **{"size": memory.size, "base": self.base, "low": low, "high": high},
            **{"error": memory.size if self.error is None else self.error, "seed": self.seed},
            **{"stall": int(self.stall * 2**32), "bandwidth": int((self.bandwidth or 0) * 2**16)},
        }


@dataclass(frozen=True, slots=True)
class PortCounters:
    """What went over one port."""

    read_beats: int
    written_beats: int
    read_bursts: int
    written_bursts: int


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """Use of each port, the register ERRORS at the end, and where a rule was broken."""

    ports: tuple[PortCounters, ...]
    errors: int
    port: int
    fault: int


def together(reports: Iterable[MemoryReport]) -> tuple[PortCounters, ...]:
    """The counters of several parts of a run, added port by port."""
    return tuple(
        PortCounters(
            *(sum(getattr(p, field.name) for p in ports) for field in fields(PortCounters))
        )
        for ports in zip(*(report.ports for report in reports), strict=True)
    )
