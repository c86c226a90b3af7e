"""Token simulation: steps the handshakes of a chain clock by clock, without data.

It gives the frame interval and latency of a plan, and sizes its FIFOs: the shallowest depths that
lose no clock. A chain that cannot go on (deadlock) is an error here, before anything is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.timing import Pipeline, Queue, Timing
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError

MIN_DEPTH = 2
_UNBOUNDED = 1 << 30
_FRAMES = 4


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a simulation saw, in clocks; `peaks` is each FIFO's fullest state by unit name.

    `interval` separates the last output beats of consecutive frames offered back to back;
    `latency` runs from the first input beat to the last output beat of the first frame, both
    clocks counted.
    """

    interval: int
    latency: int
    peaks: dict[str, int]


def simulate(units: Sequence[Unit], frames: int = _FRAMES) -> Schedule:
    """Feed `frames` frames without a pause to a chain whose output is always taken.

    Raises ShiftloomError naming the unit where beats are stuck if the chain deadlocks.
    """
    models: list[Timing] = [Pipeline(1), *(unit.timing() for unit in units)]  # input guard first
    in_beats, out_beats = units[0].source.beats * frames, units[-1].sink.beats
    fires = [False] * (len(models) + 1)
    busy = [True] * len(models)
    sent = received = clock = quiet = 0
    ends: list[int] = []
    while len(ends) < frames:
        _handshakes(models, fires, sent < in_beats)
        for i, model in enumerate(models):
            if busy[i] or fires[i] or fires[i + 1]:
                busy[i] = model.step(fires[i], fires[i + 1])
        clock += 1
        sent += fires[0]
        if fires[-1]:
            received += 1
            if received % out_beats == 0:
                ends.append(clock)
        quiet = 0 if any(busy) or any(fires) else quiet + 1
        if quiet > 1:
            stuck = next((u for u, m in zip(units, models[1:], strict=True) if m.valid()), units[0])
            raise ShiftloomError(stuck.name, "the chain deadlocks here", "use deeper FIFOs")
    peaks = {
        unit.name: model.peak
        for unit, model in zip(units, models[1:], strict=True)
        if isinstance(model, Queue)
    }
    return Schedule(ends[-1] - ends[-2], ends[0], peaks)


def _handshakes(models: list[Timing], fires: list[bool], offered: bool) -> None:
    """Which links move a beat in this clock, from the sink back to the source."""
    downstream = True
    for i in range(len(models) - 1, -1, -1):
        model = models[i]
        fires[i + 1] = downstream and model.valid()
        downstream = model.ready(downstream)
    fires[0] = downstream and offered


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
