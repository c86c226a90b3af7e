"""The speed goals on the xc7z020, as planned; the RTL of a plan takes exactly as many clocks."""

from __future__ import annotations

from pathlib import Path

import pytest

import shiftloom
from shiftloom import flow
from shiftloom.codegen import boards, cost
from shiftloom.codegen.dataflows.streaming.options import OVERSIZE, SMALL
from shiftloom.codegen.dataflows.streaming.schedule import schedule
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.plan import Plan

BOARD = boards.get("pynq-z2")
CLOCK = 125e6


def planned(name: str, data: Path, **target: object) -> tuple[Plan, tuple[Unit, ...]]:
    """The plan of a network with 3-bit weights within 80 % of the LUTs, all DSPs and block RAMs."""
    settings = {"lut_share": 0.8, "bram_share": 1.0, "dsp_share": 1.0, **target}
    config = shiftloom.parse_config({"target": settings, "defaults": {"format": "qsq"}})
    graph = shiftloom.load_network(name, data=data)
    quantized = shiftloom.quantize(graph, flow.calibration_frames(name, data), config)
    return schedule(quantized.qgraph, config, BOARD)


def utilization(plan: Plan, units: tuple[Unit, ...]) -> float:
    """Clocks of the slowest unit in the interval."""
    return max(unit.cycles() for unit in units) / plan.interval


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "goal"),
    [("mlperf_resnet8", 8000), ("mlperf_ds_cnn", 20_000), ("mobilenet_v1_025", 2500)],
)
def test_single_stream_goals(name: str, goal: float, data: Path) -> None:
    plan, units = planned(name, data, objective="latency", fps=goal)
    used = cost.total(units)
    assert plan.latency <= CLOCK / goal
    assert used.lut <= 0.8 * 53_200
    assert used.dsp <= 220
    assert used.bram36 <= 140
    assert utilization(plan, units) >= 0.95


@pytest.mark.slow
def test_pipelined_goal(data: Path) -> None:
    """ResNet-8 back to back; no folded unit is more than twice as fast as it needs to be."""
    plan, units = planned("mlperf_resnet8", data, fps=12_000)
    assert plan.interval <= CLOCK / 12_000
    assert utilization(plan, units) >= 0.95
    folded = {mac.node: mac for mac in plan.macs if mac.kind != "constant"}
    matrices = [
        unit for unit in units if unit.node in folded and unit.kind == folded[unit.node].kind
    ]
    assert len(matrices) == len(folded)
    for unit in matrices:
        mac = folded[unit.node]
        assert mac.pe * mac.simd <= SMALL or unit.cycles() * OVERSIZE >= plan.interval
