"""Whole networks out of external memory, through the RTL: integers, clocks and utilization."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from network_runs import CACHE

from shiftloom import build, flow, open_build, parse_config, quantize, simulate_hls, simulate_rtl
from shiftloom.codegen.qgraph import Mac, QGraph
from shiftloom.codegen.values import IntArray, Shape
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim.cache import Cache

WITHIN = 0.02
"""Of the simulated clocks lie those of the plan."""


def _built(name: str, array: tuple[int, int], folder: Path) -> OpenedBuild:
    """A network for the systolic engine, calibrated on noise."""
    target = {"dataflow": "systolic", "array": list(array)}
    config = parse_config({"target": target, "calibration": {"frames": 4}})
    graph = flow.load_network(name)
    frames = _noise(graph.inputs[0].shape, 4, 1)
    build(quantize(graph, frames, config), config, folder)
    return open_build(folder)


def _noise(shape: Shape, count: int, seed: int) -> IntArray:
    """Frames of random blocks of 4 × 4 pixels."""
    height, width, channels = shape
    coarse = (count, -(-height // 4), -(-width // 4), channels)
    small = np.random.default_rng(seed).integers(0, 256, coarse)
    return small.repeat(4, axis=1).repeat(4, axis=2)[:, :height, :width]


def _conv_macs(qgraph: QGraph) -> int:
    """Multiply-accumulates of a frame in all convolutions."""
    return sum(
        int(np.prod(node.out.shape)) * node.unit.lanes
        for node in qgraph.nodes
        if isinstance(node.unit, Mac) and node.out.shape[:2] != (1, 1)
    )


def _check(opened: OpenedBuild, frames: int) -> float:
    """Every output integer is right, and the clocks are those of the plan; returns the interval."""
    shape = opened.qgraph.inputs[0].tensor.shape
    given = _noise(shape, frames, 2)
    result = simulate_rtl(opened, given, None, Cache(CACHE))
    assert (result.mismatches, result.first) == (0, "")
    plan = opened.plan
    assert abs(result.latency - plan.latency) <= WITHIN * result.latency
    assert simulate_hls(opened, given, None, Cache(CACHE)).mismatches == 0
    if not result.interval:
        return float(plan.interval)
    assert abs(result.interval - plan.interval) <= WITHIN * result.interval
    return result.interval


def test_resnet8_runs_out_of_external_memory(tmp_path: Path) -> None:
    opened = _built("resnet8", (16, 16), tmp_path / "resnet8")
    _check(opened, 6)


@pytest.mark.soak
def test_resnet18_runs_whole_and_keeps_the_array_busy(tmp_path: Path) -> None:
    opened = _built("resnet18", (32, 32), tmp_path / "resnet18")
    interval = _check(opened, 1)
    macs = _conv_macs(opened.qgraph)
    assert macs / (32 * 32 * interval) >= 0.85
    assert 2 * macs * opened.plan.clock_mhz / interval / 1000 >= 195
