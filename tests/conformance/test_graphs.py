"""Golden = RTL = HLS C++ on graphs, at the planned clocks; their FIFOs are as shallow as can be."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
from conformance_run import GRAPHS, Built, check_hls, check_rtl, check_stalls
from graph_nets import RANDOM, SKETCHES

from shiftloom import ShiftloomError, beats, simulate_rtl
from shiftloom.codegen.dataflows.streaming.fifo import MIN_DEPTH, Fifo
from shiftloom.codegen.dataflows.streaming.tokens import simulate
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim import engine
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import SimulationError

GraphBuilder = Callable[..., Built]
SOAK_SEEDS = range(10, 20)


@pytest.fixture(params=GRAPHS, ids=lambda graph: "_".join((*graph[0], *graph[2:])))
def network(request: pytest.FixtureRequest, built_graph: GraphBuilder) -> Built:
    """Each of the graphs of CI, built."""
    return built_graph(*request.param)


def test_rtl_equals_golden_at_the_planned_clocks(network: Built, cache: Cache) -> None:
    check_rtl(network, cache)


def test_rtl_equals_golden_under_stalls(network: Built, cache: Cache) -> None:
    check_stalls(network, cache)


def test_every_frame_alone_takes_the_planned_latency(network: Built, cache: Cache) -> None:
    given = beats.encode(network.opened.qgraph, network.frames)
    result = engine.run(network.opened.sim_top(), given, cache=cache, single_stream=True)
    clocks = result.last_out - result.first_in + 1
    assert set(clocks.tolist()) == {network.opened.plan.latency}


def test_hls_equals_golden(network: Built, cache: Cache) -> None:
    check_hls(network, cache)


def test_every_sketch_is_met() -> None:
    assert {name for graph in GRAPHS for name in graph[0]} == {*SKETCHES, RANDOM}


def _deep(opened: OpenedBuild) -> list[Fifo]:
    fifos = [unit for unit in opened.units if isinstance(unit, Fifo)]
    return [fifo for fifo in fifos if fifo.depth > MIN_DEPTH]


@pytest.mark.parametrize("place", [0, -1])
def test_a_fifo_one_beat_shallower_is_slower_or_a_deadlock(
    built_graph: GraphBuilder, cache: Cache, tmp_path: Path, place: int
) -> None:
    """In the token simulation, and in the RTL by as much."""
    network = built_graph(*GRAPHS[0])
    fifo = sorted(_deep(network.opened), key=lambda fifo: fifo.depth)[place]
    shallow = replace(fifo, depth=fifo.depth - 1)
    predicted = _times([shallow if unit is fifo else unit for unit in network.opened.units])
    folder = tmp_path / "shallow"
    shutil.copytree(network.opened.folder, folder)
    file = folder / f"rtl/{network.opened.design.name}_{fifo.name}.sv"
    text, count = re.subn(r"\.DEPTH\(\d+\)", f".DEPTH({shallow.depth})", file.read_text("ascii"))
    assert count == 1
    file.write_text(text, "ascii")
    plan = network.opened.plan
    assert predicted[0] > plan.interval or predicted[1] > plan.latency
    opened = replace(network.opened, folder=folder)
    if predicted == (inf, inf):
        with pytest.raises(SimulationError, match="deadlock"):
            simulate_rtl(opened, network.frames, None, cache)
    else:
        result = simulate_rtl(opened, network.frames, None, cache)
        assert (result.mismatches, result.interval, result.latency) == (0, *predicted)


def _times(units: list[Unit]) -> tuple[float, float]:
    """Interval and latency by the token simulation, infinite in a deadlock."""
    try:
        found = simulate(units)
    except ShiftloomError:
        return inf, inf
    return found.interval, found.latency


@pytest.mark.soak
@pytest.mark.parametrize("seed", SOAK_SEEDS)
@pytest.mark.parametrize("name", [*SKETCHES, RANDOM])
@pytest.mark.parametrize("dataflow", ["streaming", "pipeline"])
def test_any_plan(
    name: str, dataflow: str, seed: int, built_graph: GraphBuilder, cache: Cache
) -> None:
    network = built_graph((name,), seed, dataflow)
    check_rtl(network, cache)
    check_stalls(network, cache)
    check_hls(network, cache)
