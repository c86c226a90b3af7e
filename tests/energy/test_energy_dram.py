"""What designs of a network count: beats of their memory beside the equations, and toggles."""

from __future__ import annotations

import numpy as np
import pytest

from shiftloom.codegen.config import Config, parse
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph, GraphInput, IntFrames, Node
from shiftloom.codegen.ops import Linear
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.values import Array
from shiftloom.energy import designs, dram
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim.cache import Cache
from shiftloom.simulation import Simulation


def tiny(dataflow: str) -> tuple[Quantized, Config, IntFrames]:
    """A fully connected layer, 16 to 8, its settings and its frames."""
    rng = np.random.default_rng(1)
    weights = Array(rng.normal(size=(8, 16)).astype(np.float32))
    layer = Linear(weights, Array(np.zeros(8, np.float32)))
    nodes = (Node("fc", layer, ("input",)),)
    graph = Graph("net", (GraphInput((1, 1, 16), 8, 1, 0),), nodes, ("fc",))
    config = parse({"target": {"dataflow": dataflow}, "defaults": {"pe": "shift"}})
    frames = rng.integers(0, 256, (4, 1, 1, 16))
    return quantize(graph, frames, config), config, frames


def test_toggles_of_matrix_units_stand_by_layer(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    quantized, config, frames = tiny("streaming")
    given = {"u_fc_matrix": 30.0, "u_fc_vector": 4.0, "net": 1.0, "u_fc_requant_unit": 5.0}
    monkeypatch.setattr(designs, "toggles", lambda *_, **__: given)
    rows = designs.measure(quantized, config, {"shift": {}}, frames, cache)
    assert rows == (designs.DesignRow("shift", {"fc": 30.0}, 40.0),)


def test_weights_by_the_equations_and_beats_by_the_simulation(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    quantized, config, frames = tiny("systolic")
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
