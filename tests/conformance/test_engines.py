"""Golden = RTL = HLS C++ on networks that run on engines, at about the planned clocks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import graph_nets
import pytest
from conformance_run import Built, check_hls, check_stalls

from shiftloom import build, open_build, simulate_rtl
from shiftloom.codegen.config import LayerConfig
from shiftloom.rtl_sim.cache import Cache

FRAMES = 6
TOLERANCE = {"dadiannao": 0.0, "systolic": 0.06}
"""Of the interval; small networks are mostly the gaps between layers."""
CASES = {
    "dadiannao": ("residual", (8, 8), "weight", {}),
    "dadiannao-mixed": ("residual", (4, 4), "weight", {"conv2d0": "pipeline"}),
    "systolic-weight": ("branches", (8, 16), "weight", {}),
    "systolic-output": ("residual", (8, 8), "output", {}),
}


@pytest.fixture(scope="module", params=CASES, ids=str)
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A network planned for an engine, built."""
    name, array, stationary, layers = CASES[request.param]
    config, quantized = graph_nets.settled(name)
    dataflow = request.param.partition("-")[0]
    target = replace(config.target, dataflow=dataflow, array=array, stationary=stationary)
    mixed = {
        layer: replace(config.layers.get(layer, LayerConfig()), dataflow=kind)
        for layer, kind in layers.items()
    }
    settings = replace(config, target=target, layers={**config.layers, **mixed})
    folder: Path = tmp_path_factory.mktemp(dataflow) / name
    build(quantized, settings, folder)
    frames = graph_nets.frames(quantized.graph, FRAMES, 3)
    return Built(quantized, open_build(folder), frames)


def test_rtl_equals_golden_at_about_the_planned_clocks(network: Built, cache: Cache) -> None:
    plan = network.opened.plan
    result = simulate_rtl(network.opened, network.frames, None, cache)
    assert result.mismatches == 0, result.first
    allowed = TOLERANCE[plan.engines[0].kind] * plan.interval
    assert abs(result.interval - plan.interval) <= allowed


def test_rtl_equals_golden_under_stalls(network: Built, cache: Cache) -> None:
    check_stalls(network, cache)


def test_hls_equals_golden(network: Built, cache: Cache) -> None:
    check_hls(network, cache)
