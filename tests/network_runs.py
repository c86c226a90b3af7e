"""A network from its configuration through its build folder to the RTL and HLS C++ simulations."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any

import shiftloom
from shiftloom.codegen.graph import Frames, Graph
from shiftloom.rtl_sim.cache import Cache
from shiftloom.simulation import Simulation

CACHE = Path(".cache") / "tests"


def compiled(
    graph: Graph, calibration: Frames, settings: dict[str, Any], folder: Path
) -> shiftloom.OpenedBuild:
    """Quantize and build `graph` into a subfolder of `folder`, and open what was written."""
    config = shiftloom.parse_config(settings, graph.name)
    target = folder / graph.name
    shiftloom.build(shiftloom.quantize(graph, calibration, config), config, target)
    return shiftloom.open_build(target)


def check_rtl(built: shiftloom.OpenedBuild, frames: Frames, labels: Any = None) -> Simulation:
    """The RTL gives the golden integers at the planned clocks; an interval may alternate."""
    run = shiftloom.simulate_rtl(built, frames, labels, Cache(CACHE))
    assert (run.mismatches, run.first) == (0, "")
    assert run.latency == built.plan.latency
    if run.images > 2:
        assert ceil(run.interval) == built.plan.interval
    return run


def check_hls(built: shiftloom.OpenedBuild, frames: Frames) -> None:
    """The HLS C++ gives the golden integers."""
    assert shiftloom.simulate_hls(built, frames, None, Cache(CACHE)).mismatches == 0
