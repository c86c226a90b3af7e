"""FIFO depths: the shallowest that lose no clock, found by token simulations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.tokens import Schedule, simulate
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError

MIN_DEPTH = 2
_UNBOUNDED = 1 << 30


def size_fifos(units: Sequence[Unit]) -> tuple[tuple[Unit, ...], Schedule]:
    """The chain with the shallowest FIFOs that keep its best interval, and its schedule.

    Making any FIFO deeper than 2 shallower by one lengthens the interval. No chain is faster than
    its slowest unit, so a chain of shallow FIFOs that reaches it needs no search.
    """
    shallow = _with_depths(units, {})
    schedule = simulate(shallow)
    if schedule.interval == max(unit.cycles() for unit in units):
        return shallow, schedule
    best = simulate(_with_depths(units, {u.name: _UNBOUNDED for u in units}))
    if schedule.interval == best.interval:
        return shallow, schedule
    depths = {name: max(MIN_DEPTH, peak) for name, peak in best.peaks.items()}
    for name in depths:
        depths[name] = _shallowest(units, depths, name, best.interval)
    sized = _with_depths(units, depths)
    return sized, simulate(sized)


def _shallowest(units: Sequence[Unit], depths: dict[str, int], name: str, interval: int) -> int:
    """Smallest depth of one FIFO, the others kept, that holds the interval; by bisection."""
    low, high = MIN_DEPTH, depths[name]
    while low < high:
        middle = (low + high) // 2
        trial = _with_depths(units, {**depths, name: middle})
        if _interval(trial) == interval:
            high = middle
        else:
            low = middle + 1
    return high


def _interval(units: Sequence[Unit]) -> int | None:
    try:
        return simulate(units).interval
    except ShiftloomError:
        return None


def _with_depths(units: Sequence[Unit], depths: dict[str, int]) -> tuple[Unit, ...]:
    return tuple(
        replace(unit, depth=depths.get(unit.name, MIN_DEPTH)) if isinstance(unit, Fifo) else unit
        for unit in units
    )
