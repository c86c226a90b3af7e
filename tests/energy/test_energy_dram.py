"""DRAM of a network in external memory: the paper's equations beside what the simulation counts."""

from __future__ import annotations

import numpy as np
import pytest

from shiftloom.codegen.config import parse
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph, GraphInput, Node
from shiftloom.codegen.ops import Linear
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.values import Array
from shiftloom.energy import dram
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim.cache import Cache
from shiftloom.simulation import Simulation


def test_weights_by_the_equations_and_beats_by_the_simulation(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    weights = Array(rng.normal(size=(8, 16)).astype(np.float32))
    layer = Linear(weights, Array(np.zeros(8, np.float32)))
    graph = Graph(
        "net", (GraphInput((1, 1, 16), 8, 1, 0),), (Node("fc", layer, ("input",)),), ("fc",)
    )
    config = parse({"target": {"dataflow": "systolic"}})
    frames = rng.integers(0, 256, (4, 1, 1, 16))
    quantized = quantize(graph, frames, config)
    runs = [
        Simulation("rtl", 4, 0, None, dram_bytes=640.0),
        Simulation("rtl", 4, 3, None, first="x"),
    ]

    def simulate(opened: OpenedBuild, *arguments: object) -> Simulation:
        assert opened.design.memory is not None
        return runs.pop(0)

    monkeypatch.setattr(dram, "simulate_rtl", simulate)
    found = dram.counted("3-bit", quantized, config, frames, cache)
    assert found == dram.Dram("3-bit", 8 * 16 * 4, (8 * 16 * 3 + 8 * 32) / 8, 640.0)
    with pytest.raises(ShiftloomError, match=r"^3-bit: 3 wrong outputs\. x$"):
        dram.counted("3-bit", quantized, config, frames, cache)
