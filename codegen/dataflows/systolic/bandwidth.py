"""Clocks that the external memory takes for the bytes of an engine."""

from __future__ import annotations

import math
from dataclasses import dataclass

from shiftloom.codegen.dataflows.engine.candidate import Wanted
from shiftloom.codegen.dataflows.systolic import cycles
from shiftloom.codegen.dataflows.systolic.costs import BASE_PORTS
from shiftloom.codegen.errors import ShiftloomError

MAX_CLOCKS = 100_000_000
"""Most clocks a frame of an engine whose memory is the slower part; simulations run them all."""


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Bytes a clock that the ports of an engine move, or fewer where the memory is slower.

    `gbs` are the gigabytes a second that the settings say, if they do, and `mhz` is the clock.
    """

    ports: int
    gbs: float | None
    mhz: float

    @staticmethod
    def of(wanted: Wanted, weight_ports: int) -> Bandwidth:
        """The bandwidth that an engine with so many ports for weights has."""
        gbs = wanted.config.target.memory_gbs
        return Bandwidth(BASE_PORTS + weight_ports, gbs, wanted.clock_mhz)

    def clocks(self, moved: int) -> int:
        """Least clocks in which so many bytes are moved."""
        beats = -(-moved // (self.ports * cycles.BEAT_BYTES))
        if self.gbs is None:
            return beats
        return max(beats, math.ceil(moved * self.mhz / (self.gbs * 1e3)))

    def check(self, clocks: int, busy: int, moved: int) -> None:
        """Refuse a frame that the memory makes too long; without it the array takes `busy`."""
        if self.gbs is None or clocks <= MAX_CLOCKS:
            return
        hint = "use a larger target.array"
        if busy < MAX_CLOCKS:
            least = moved * self.mhz / 1e3 / (MAX_CLOCKS - busy)
            hint = f"use at least {_rounded_up(least):g} GB/s"
        raise ShiftloomError(
            "target.memory_gbs",
            f"{self.gbs:g} makes a frame {clocks} clocks, the limit is {MAX_CLOCKS}",
            hint,
        )


def _rounded_up(value: float) -> float:
    """The next number of two digits that is above a value."""
    step: float = 10.0 ** (math.floor(math.log10(value)) - 1)
    return (math.floor(value / step) + 1) * step
