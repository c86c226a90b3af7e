"""FIFO depths: the shallowest that lose no clock, found by token simulations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shiftloom.codegen.dataflows.streaming.fifo import MIN_DEPTH, Fifo
from shiftloom.codegen.dataflows.streaming.tokens import Schedule, simulate
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError

_UNBOUNDED = 1 << 30
_FRAMES = 4
"""Frames that show the interval where no FIFO ever holds a unit back."""


def size_fifos(units: Sequence[Unit]) -> tuple[tuple[Unit, ...], Schedule]:
    """The units with the shallowest FIFOs that keep the best interval and latency, and these.

    A FIFO deeper than 2 with one beat less lengthens one of them, or is a deadlock. Raises
    ShiftloomError naming a unit if there is a deadlock whatever the depths.
    """
    search = _Search(units)
    search.shrink(search.deep())
    return search.units(search.depths), search.schedule


class _Search:
    """Depths that lose no clock so far; they start as deep as FIFOs without a bound became."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self._units = units
        names = [unit.name for unit in units if isinstance(unit, Fifo)]
        best = simulate(self.units(dict.fromkeys(names, _UNBOUNDED)), _FRAMES)
        self.depths = {name: max(MIN_DEPTH, best.peaks[name]) for name in names}
        self.schedule = simulate(self.units(self.depths))
        self._interval = max(best.interval, self.schedule.interval)
        self._latency = max(best.latency, self.schedule.latency)

    def units(self, depths: Mapping[str, int]) -> tuple[Unit, ...]:
        """The units with these depths."""
        return tuple(
            replace(unit, depth=depths[unit.name]) if isinstance(unit, Fifo) else unit
            for unit in self._units
        )

    def deep(self) -> list[str]:
        """FIFOs that might be shallower."""
        return [name for name, depth in self.depths.items() if depth > MIN_DEPTH]

    def shrink(self, names: list[str]) -> None:
        """Find the least depths of some FIFOs one by one, those at the minimum in one go."""
        if not names or self._accepts(dict.fromkeys(names, MIN_DEPTH)):
            return
        if len(names) == 1:
            return self._bisect(names[0])
        self.shrink(names[: len(names) // 2])
        return self.shrink(names[len(names) // 2 :])

    def _bisect(self, name: str) -> None:
        """The minimum is too shallow for this one."""
        low, high = MIN_DEPTH, self.depths[name]
        while high - low > 1:
            middle = (low + high) // 2
            if self._accepts({name: middle}):
                high = middle
            else:
                low = middle

    def _accepts(self, changes: Mapping[str, int]) -> bool:
        """Whether nothing gets slower with some depths changed; keeps them if so."""
        depths = {**self.depths, **changes}
        try:
            found = simulate(self.units(depths), latency=self._latency)
        except ShiftloomError:
            return False
        if found.interval > self._interval or found.latency > self._latency:
            return False
        self.depths, self.schedule = depths, found
        return True
