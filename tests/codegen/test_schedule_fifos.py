"""FIFO depths are the shallowest that lose no clock, and a deadlock names its unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from networks import frames, small_network
from refusals import refuses

from shiftloom.codegen import boards
from shiftloom.codegen.config import parse
from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.fifo_sizing import MIN_DEPTH, size_fifos
from shiftloom.codegen.dataflows.streaming.schedule import schedule
from shiftloom.codegen.dataflows.streaming.tokens import simulate
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.plan import Plan
from shiftloom.codegen.quantize import quantize


@pytest.fixture(scope="module")
def scheduled() -> tuple[Plan, tuple[Unit, ...]]:
    """A plan whose first layer works in bursts that a shallow FIFO would hold back."""
    graph = small_network()
    data = frames(np.random.default_rng(1), graph.input.shape)
    network = quantize(graph, data, parse({})).qgraph
    return schedule(network, parse({"target": {"fps": 200_000}}), boards.get("pynq-z2"))


def with_depth(units: Sequence[Unit], name: str, depth: int) -> list[Unit]:
    """The chain with another depth of one FIFO."""
    return [
        replace(unit, depth=depth) if isinstance(unit, Fifo) and unit.name == name else unit
        for unit in units
    ]


def test_a_fifo_is_deeper_than_the_least(scheduled: tuple[Plan, tuple[Unit, ...]]) -> None:
    assert max(fifo.depth for fifo in scheduled[0].fifos) > MIN_DEPTH


def test_one_beat_less_lengthens_the_interval(scheduled: tuple[Plan, tuple[Unit, ...]]) -> None:
    plan, units = scheduled
    for unit in units:
        if isinstance(unit, Fifo) and unit.depth > MIN_DEPTH:
            shallower = simulate(with_depth(units, unit.name, unit.depth - 1))
            assert shallower.interval > plan.interval


def test_more_depth_gains_nothing(scheduled: tuple[Plan, tuple[Unit, ...]]) -> None:
    plan, units = scheduled
    for unit in units:
        if isinstance(unit, Fifo):
            deeper = simulate(with_depth(units, unit.name, 4 * unit.depth))
            assert deeper.interval == plan.interval


def test_plan_is_what_the_simulation_says(scheduled: tuple[Plan, tuple[Unit, ...]]) -> None:
    plan, units = scheduled
    found = simulate(units)
    assert (found.interval, found.latency) == (plan.interval, plan.latency)


def test_deadlock_names_the_unit_that_takes_no_more(
    scheduled: tuple[Plan, tuple[Unit, ...]],
) -> None:
    name = next(unit.name for unit in scheduled[1] if isinstance(unit, Fifo))
    with refuses(f"{name}: takes no more beats: the chain deadlocks here"):
        simulate(with_depth(scheduled[1], name, 0))


def test_sizing_starts_from_any_depths(scheduled: tuple[Plan, tuple[Unit, ...]]) -> None:
    plan, units = scheduled
    for depth in (0, 1000):
        start: Sequence[Unit] = units
        for fifo in [unit.name for unit in units if isinstance(unit, Fifo)]:
            start = with_depth(start, fifo, depth)
        sized, found = size_fifos(start)
        assert found.interval == plan.interval
        assert sized == units
