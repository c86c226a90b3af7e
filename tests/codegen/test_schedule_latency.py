"""The latency objective: a frame alone is through in time, or the error says what is possible."""

from __future__ import annotations

import numpy as np
import pytest
from networks import frames, small_network

from shiftloom.codegen import boards
from shiftloom.codegen.config import parse
from shiftloom.codegen.cost import total
from shiftloom.codegen.dataflows.streaming.arrivals import Arrivals
from shiftloom.codegen.dataflows.streaming.compose import input_elements
from shiftloom.codegen.dataflows.streaming.latency import paces
from shiftloom.codegen.dataflows.streaming.planner import Planner
from shiftloom.codegen.dataflows.streaming.schedule import schedule
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import Plan
from shiftloom.codegen.qgraph import QGraph
from shiftloom.codegen.quantize import quantize

BOARD = boards.get("pynq-z2")


@pytest.fixture(scope="module")
def network() -> QGraph:
    """The small network in integers."""
    graph = small_network()
    data = frames(np.random.default_rng(1), graph.inputs[0].shape)
    return quantize(graph, data, parse({})).qgraph


def planned(network: QGraph, **target: object) -> tuple[Plan, float]:
    """The plan for the latency objective, and its LUTs."""
    config = parse({"target": {"objective": "latency", **target}})
    plan, units = schedule(network, config, BOARD)
    return plan, total(units).lut


@pytest.mark.parametrize("fps", [300_000, 150_000, 40_000])
def test_latency_is_kept(network: QGraph, fps: int) -> None:
    plan, _ = planned(network, fps=fps)
    assert BOARD.clock_mhz * 1e6 / plan.latency >= fps


def test_slower_frames_cost_less(network: QGraph) -> None:
    luts = [planned(network, fps=fps)[1] for fps in (300_000, 40_000)]
    assert luts[1] < 0.7 * luts[0]


def test_least_latency_is_below_that_of_the_fastest_rate(network: QGraph) -> None:
    by_rate, _ = schedule(network, parse({}), BOARD)
    plan, _ = planned(network)
    assert plan.latency <= by_rate.latency


def test_impossible_latency_says_what_is_possible(network: QGraph) -> None:
    with pytest.raises(ShiftloomError) as caught:
        planned(network, fps=600_000)
    message = str(caught.value)
    assert message.startswith("net: has ")
    assert "clocks of latency, 600000 frames/s one by one at 125 MHz allow 208; " in message
    possible = int(message.rpartition(" at most ")[2].split()[0])
    assert planned(network, fps=possible - 1000)[0].latency <= 125e6 / (possible - 1000)


@pytest.mark.parametrize("interval", [160, 600, 3000])
def test_model_is_close_to_the_simulation(network: QGraph, interval: int) -> None:
    planner = Planner(network, parse({}), BOARD)
    trial, timing = planner.sized(planner.trial([interval] * len(planner.menus)))
    model = Arrivals(network, 1 / input_elements(network))
    assert model.latency(paces(network, trial.options)) == pytest.approx(timing.latency, rel=0.15)
