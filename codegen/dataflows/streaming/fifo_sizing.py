"""FIFO depths: the shallowest that lose no clock, found by token simulations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shiftloom.codegen.dataflows.streaming.fifo import MIN_DEPTH, Fifo
from shiftloom.codegen.dataflows.streaming.tokens import Schedule, simulate, trickle
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError

_UNBOUNDED = 1 << 30
_FRAMES = 4
"""Frames that show the interval where no FIFO ever holds a unit back."""


def size_fifos(units: Sequence[Unit]) -> tuple[tuple[Unit, ...], Schedule]:
    """The units with the shallowest FIFOs that keep the best interval and latency, and these.

    No stalls of the input or output can deadlock them. A FIFO deeper than 2 with one beat less
    lengthens the interval or the latency, or allows a deadlock. Raises ShiftloomError naming a unit
    if there is a deadlock whatever the depths.
    """
    search = _Search(units)
    search.shrink(search.deep())
    while search.shrinks_on():
        pass
    return search.units(search.depths), search.schedule


class _Search:
    """Depths that lose no clock so far; they start as deep as FIFOs without a bound became."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self._units = units
        names = [unit.name for unit in units if isinstance(unit, Fifo)]
        unbounded = self.units(dict.fromkeys(names, _UNBOUNDED))
        best = simulate(unbounded, _FRAMES)
        self._safe = trickle(unbounded)
        self.depths = {name: max(MIN_DEPTH, best.peaks[name], self._safe[name]) for name in names}
        self.schedule = simulate(self.units(self.depths))

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

    def shrinks_on(self) -> bool:
        """Whether some FIFO can do with less now that others are shallower; it gets that.

        Mostly none can. But a pipeline holds more beats or fewer as they come closer or wider
        apart, so less in one place may help in another one.
        """
        before = dict(self.depths)
        for name in self.deep():
            if self._accepts({name: self.depths[name] - 1}):
                self._bisect(name)
        return self.depths != before

    def _bisect(self, name: str) -> None:
        """Some least depth of one FIFO."""
        low, high = MIN_DEPTH - 1, self.depths[name]
        while high - low > 1:
            middle = (low + high) // 2
            if self._accepts({name: middle}):
                high = middle
            else:
                low = middle

    def _accepts(self, changes: Mapping[str, int]) -> bool:
        """Whether nothing gets slower or unsafe with some depths changed; keeps them if so."""
        depths = {**self.depths, **changes}
        units = self.units(depths)
        try:
            found = simulate(units, latency=self.schedule.latency)
            if found.interval > self.schedule.interval:
                return False
            if any(depth < self._safe[name] for name, depth in depths.items()):
                trickle(units)
        except ShiftloomError:
            return False
        self.depths, self.schedule = depths, found
        return True
