"""FIFO depths: the shallowest that lose no clock, found by token simulations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf

from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.tokens import Schedule, simulate
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError

MIN_DEPTH = 2
_UNBOUNDED = 1 << 30
_FRAMES = 3
"""Frames that show the interval where no FIFO ever holds a unit back."""


def size_fifos(units: Sequence[Unit]) -> tuple[tuple[Unit, ...], Schedule]:
    """The chain with the shallowest FIFOs that keep its best interval, and its schedule.

    Making any FIFO deeper than 2 shallower by one lengthens the interval. No chain is faster than
    its slowest unit, so a chain of shallow FIFOs that reaches it needs no search. Raises
    ShiftloomError naming a unit if the chain deadlocks whatever the depths.
    """
    trials = _Trials(units)
    shallow = dict.fromkeys(trials.names, MIN_DEPTH)
    interval = trials.interval(shallow)
    if interval == max(unit.cycles() for unit in units):
        return trials.result(shallow)
    unbounded = dict.fromkeys(trials.names, _UNBOUNDED)
    best = simulate(trials.with_depths(unbounded), _FRAMES)
    if interval == best.interval:
        return trials.result(shallow)
    depths = {name: max(MIN_DEPTH, best.peaks[name]) for name in trials.names}
    for name in trials.names:
        depths[name] = trials.shallowest(depths, name, best.interval)
    return trials.result(depths)


class _Trials:
    """Simulations of a chain by the depths of its FIFOs, each made once."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = units
        self.names = [unit.name for unit in units if isinstance(unit, Fifo)]
        self._seen: dict[tuple[int, ...], Schedule | None] = {}

    def with_depths(self, depths: Mapping[str, int]) -> tuple[Unit, ...]:
        """The chain with these depths."""
        return tuple(
            replace(unit, depth=depths[unit.name]) if isinstance(unit, Fifo) else unit
            for unit in self.units
        )

    def result(self, depths: Mapping[str, int]) -> tuple[tuple[Unit, ...], Schedule]:
        """The chain with these depths and its schedule."""
        units = self.with_depths(depths)
        return units, self._run(depths) or simulate(units)

    def interval(self, depths: Mapping[str, int]) -> float:
        """Clocks between frames, infinite if the chain deadlocks."""
        found = self._run(depths)
        return found.interval if found else inf

    def shallowest(self, depths: Mapping[str, int], name: str, interval: int) -> int:
        """Smallest depth of one FIFO, the others kept, that holds the interval; by bisection."""
        low, high = MIN_DEPTH - 1, depths[name]
        probe = MIN_DEPTH
        while high - low > 1:
            if self.interval({**depths, name: probe}) <= interval:
                high = probe
            else:
                low = probe
            probe = (low + high) // 2
        return high

    def _run(self, depths: Mapping[str, int]) -> Schedule | None:
        key = tuple(depths[name] for name in self.names)
        if key not in self._seen:
            try:
                self._seen[key] = simulate(self.with_depths(depths))
            except ShiftloomError:
                self._seen[key] = None
        return self._seen[key]
