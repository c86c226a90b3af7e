"""The scheduler keeps the rate it was asked for, or says what would work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import frames, small_network
from refusals import refuses

from shiftloom.codegen import boards
from shiftloom.codegen.config import parse
from shiftloom.codegen.cost import total
from shiftloom.codegen.dataflows.streaming.schedule import schedule, units_of
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


def plan_for(network: QGraph, **settings: object) -> Plan:
    """The plan for settings of the target, or of all layers under `defaults`."""
    defaults = settings.pop("defaults", {})
    return schedule(network, parse({"target": settings, "defaults": defaults}), BOARD)[0]


@pytest.mark.parametrize("fps", [800_000, 400_000, 200_000, 60_000, 3_000])
def test_rate_is_kept(network: QGraph, fps: int) -> None:
    plan = plan_for(network, fps=fps)
    assert BOARD.clock_mhz * 1e6 / plan.interval >= fps


def test_slower_rates_cost_less(network: QGraph) -> None:
    rates = (None, 400_000, 100_000, 20_000)
    luts = [total(units_of(network, plan_for(network, fps=fps))).lut for fps in rates]
    assert luts == sorted(luts, reverse=True)
    assert luts[-1] < 0.7 * luts[0]


def test_fastest_plan_takes_a_pixel_a_clock(network: QGraph) -> None:
    assert plan_for(network).interval == 144


def test_plan_gives_its_units_back(network: QGraph) -> None:
    plan, units = schedule(network, parse({"target": {"fps": 200_000}}), BOARD)
    again = units_of(network, plan)
    assert [unit.instance().parameters for unit in again] == [
        unit.instance().parameters for unit in units
    ]


def test_impossible_rate_names_the_slowest_layer(network: QGraph) -> None:
    with refuses(
        "conv2d0: needs 144 clocks, 1e+06 frames/s at 125 MHz allow 125; "
        "ask for at most 868055 frames/s"
    ):
        plan_for(network, fps=1_000_000)


def test_folding_can_make_a_rate_impossible(network: QGraph) -> None:
    layers = {"conv2d3": {"pe": "shift", "folding": [1, 1]}}
    with refuses(
        "conv2d3: needs 4608 clocks, 100000 frames/s at 125 MHz allow 1250; "
        "ask for at most 27126 frames/s"
    ):
        schedule(network, parse({"target": {"fps": 100_000}, "layers": layers}), BOARD)


def test_impossible_folding_lists_the_divisors(network: QGraph) -> None:
    layers = {"conv2d3": {"folding": [3, 5]}}
    with refuses(
        "conv2d3: folding PE=3, SIMD=5 does not divide 8 outputs × 36 terms; "
        "use PE of 1, 2, 4, 8 and SIMD of 1, 2, 3, 4, 6, 9, 12, 18, 36"
    ):
        schedule(network, parse({"layers": layers}), BOARD)


def test_folding_of_the_constant_pe_is_the_whole_layer(network: QGraph) -> None:
    layers = {"conv2d3": {"pe": "constant", "folding": [4, 36]}}
    with refuses(
        "conv2d3: PE constant cannot fold the layer to PE=4, SIMD=36; "
        "use PE=8, SIMD=36 or pe: shift"
    ):
        schedule(network, parse({"layers": layers}), BOARD)


def test_small_board_is_refused_with_the_numbers(network: QGraph) -> None:
    board = replace(BOARD, lut=1000)
    with pytest.raises(ShiftloomError, match="predicted") as caught:
        schedule(network, parse({"target": {"lut_share": 0.5}}), board)
    message = str(caught.value)
    assert message.startswith("board pynq-z2: ")
    assert message.endswith(
        " lut predicted, the limit is 500; ask for fewer frames/s, a larger share or board"
    )


def test_rate_that_does_not_fit_is_refused(network: QGraph) -> None:
    with pytest.raises(
        ShiftloomError, match=r"^board pynq-z2: \d+ lut predicted, the limit is 1064; "
    ):
        plan_for(network, fps=800_000, lut_share=0.02)
