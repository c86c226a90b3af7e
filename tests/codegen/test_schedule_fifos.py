"""FIFO depths are the shallowest that lose no clock, and a deadlock names its FIFO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np
import pytest
from graph_nets import RANDOM, SKETCHES, quantized
from graph_plans import random_choices
from refusals import refuses

from shiftloom.codegen.dataflows.streaming.compose import compose
from shiftloom.codegen.dataflows.streaming.fifo import MIN_DEPTH, Fifo
from shiftloom.codegen.dataflows.streaming.fifo_sizing import size_fifos
from shiftloom.codegen.dataflows.streaming.timing import joiner, kernel, queue
from shiftloom.codegen.dataflows.streaming.timing.kernel import Net
from shiftloom.codegen.dataflows.streaming.timing.model import Model, entry
from shiftloom.codegen.dataflows.streaming.tokens import Schedule, Tokens, simulate, trickle
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.dataflows.streaming.width import Width
from shiftloom.codegen.errors import ShiftloomError

Sized = tuple[tuple[Unit, ...], Schedule]
SEEDS = (1, 2)
RANDOM_SEEDS = (4, 5, 10, 15, 16, 41)
"""Among them are those whose pipelines hold more beats or fewer as these come."""
PATIENCE = 200_000
"""Clocks without an output beat that count as a deadlock."""
STALLS = ((2, 2), (9, 10), (10, 9), (20, 2), (2, 20), (200, 1))
"""In one of so many clocks, on average, the input offers and the output takes a beat."""


@pytest.fixture(
    scope="module",
    params=[
        *((name, seed) for name in SKETCHES for seed in SEEDS),
        *((RANDOM, seed) for seed in RANDOM_SEEDS),
    ],
    ids=str,
)
def sized(request: pytest.FixtureRequest) -> Sized:
    """A graph planned at random, and its schedule."""
    name, seed = request.param
    return size_fifos(planned(name, seed))


def planned(name: str, seed: int) -> tuple[Unit, ...]:
    """The units of a sketch planned at random, with the shallowest FIFOs."""
    qgraph = quantized(name, seed=seed).qgraph
    return compose(qgraph, random_choices(qgraph, np.random.default_rng(seed)))


def fifos(units: Sequence[Unit]) -> list[Fifo]:
    """All FIFOs."""
    return [unit for unit in units if isinstance(unit, Fifo)]


def with_depths(units: Sequence[Unit], depths: Mapping[str, int]) -> list[Unit]:
    """The units with other depths of some FIFOs."""
    return [
        replace(unit, depth=depths.get(unit.name, unit.depth)) if isinstance(unit, Fifo) else unit
        for unit in units
    ]


def interval_and_latency(units: Sequence[Unit]) -> tuple[float, float]:
    """What a simulation finds; both are infinite where a deadlock is possible."""
    try:
        trickle(units)
        found = simulate(units)
    except ShiftloomError:
        return inf, inf
    return found.interval, found.latency


def test_one_beat_less_is_slower_or_a_deadlock(sized: Sized) -> None:
    units, found = sized
    for fifo in fifos(units):
        if fifo.depth > MIN_DEPTH:
            shallower = interval_and_latency(with_depths(units, {fifo.name: fifo.depth - 1}))
            assert shallower[0] > found.interval or shallower[1] > found.latency, fifo.name


def test_unbounded_fifos_gain_nothing(sized: Sized) -> None:
    units, found = sized
    unbounded = with_depths(units, {fifo.name: 1 << 30 for fifo in fifos(units)})
    best = simulate(unbounded, frames=4)
    assert found.interval <= best.interval
    assert found.latency <= best.latency


@entry
def stalled(net: Net, beats: int, idle: int, blocked: int, seed: int) -> int:
    """Clocks that a frame takes where input and output stall at random, or DEADLOCK."""
    last, clocks, still, dice = len(net.kinds) - 1, 0, 0, seed
    while beats > 0 and still < PATIENCE:
        kernel._settle(net)
        given = net.valid[last] & net.taken[last] & 1
        beats, still = beats - given, 0 if given else still + 1
        moved = net.offered[0] & net.ready[0]
        kernel._edge(net)
        clocks += 1
        dice = (dice * 1103515245 + 12345) & 0x7FFFFFFF
        if moved or not net.offered[0]:
            net.offered[0] = 1 if dice >> 8 & 0xFFFF < 0x10000 // idle else 0
            net.awake[0] = 1
        dice = (dice * 1103515245 + 12345) & 0x7FFFFFFF
        net.taken[last] = 1 if dice >> 8 & 0xFFFF < 0x10000 // blocked else 0
        net.awake[last] = 1
    return clocks if beats <= 0 else kernel.DEADLOCK


@pytest.mark.parametrize("stall", STALLS, ids=str)
def test_no_stalls_are_a_deadlock(sized: Sized, stall: tuple[int, int]) -> None:
    units, _ = sized
    net, beats = Tokens(units).net, units[-1].sinks[0].beats
    for frame in range(4):
        assert stalled(net, beats, *stall, frame) != kernel.DEADLOCK


def test_the_schedule_is_what_the_simulation_says(sized: Sized) -> None:
    units, found = sized
    again = simulate(units)
    assert (again.interval, again.latency) == (found.interval, found.latency)
    assert all(again.peaks[fifo.name] <= fifo.depth for fifo in fifos(units))


def test_some_fifos_have_to_be_deep() -> None:
    """Else the tests above would check nothing."""
    depths = [
        fifo.depth
        for name in SKETCHES
        for seed in SEEDS
        for fifo in fifos(size_fifos(planned(name, seed))[0])
    ]
    assert sum(depth > MIN_DEPTH for depth in depths) >= len(SKETCHES)


def test_a_deadlock_under_stalls_is_seen() -> None:
    """By the test above, and by the trickle that is to foresee it."""
    units, _ = size_fifos(planned("residual", 1))
    deepest = max(fifos(units), key=lambda fifo: fifo.depth)
    shallow = with_depths(units, {deepest.name: MIN_DEPTH})
    net, beats = Tokens(shallow).net, units[-1].sinks[0].beats
    assert stalled(net, beats, 2, 2, 1) == kernel.DEADLOCK
    problem = "takes no more beats: the units deadlock here where the input stalls"
    with refuses(f"{deepest.name}: {problem}"):
        trickle(shallow)


def test_sizing_starts_from_any_depths() -> None:
    units = planned("residual", 1)
    expected = size_fifos(units)
    for depth in (0, 1000):
        start = with_depths(units, {fifo.name: depth for fifo in fifos(units)})
        assert size_fifos(start) == expected


def test_a_deadlock_names_the_fifo_that_is_full() -> None:
    units, _ = size_fifos(planned("residual", 1))
    deepest = max(fifos(units), key=lambda fifo: fifo.depth)
    with refuses(f"{deepest.name}: takes no more beats: the units deadlock here"):
        simulate(with_depths(units, {deepest.name: MIN_DEPTH}))


@dataclass(frozen=True, slots=True)
class Stuck(Width):
    """A converter that never takes a beat."""

    def timing(self) -> Model:
        return queue.model(0)


@dataclass(frozen=True, slots=True)
class Greedy(Width):
    """A converter that takes beats and makes nothing of them."""

    def timing(self) -> Model:
        return joiner.model(1 << 60)


def broken(kind: type[Width]) -> list[Unit]:
    """A network whose last converter is another one."""
    units = list(planned("residual", 1))
    index = max(i for i, unit in enumerate(units) if isinstance(unit, Width))
    was = units[index]
    assert isinstance(was, Width)
    units[index] = kind(was.name, was.node, was.source, was.sink)
    return units


def test_a_unit_that_is_stuck_whatever_the_depths_is_named() -> None:
    units = broken(Stuck)
    name = next(unit.name for unit in units if isinstance(unit, Stuck))
    problem = "takes no more beats, and no frame has come after"
    with pytest.raises(ShiftloomError, match=rf"^{name}: {problem} \d+ clocks"):
        size_fifos(units)


def test_a_network_without_output_is_refused() -> None:
    problem = "takes no more beats, and no frame has come after"
    with pytest.raises(ShiftloomError, match=rf": {problem} \d+ clocks"):
        size_fifos(broken(Greedy))
