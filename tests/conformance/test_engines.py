"""Engines in networks: golden = RTL = HLS C++, with stalls and slow memory; predicted clocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import graph_nets
import pytest
from conformance_nets import pixel_net
from conformance_run import Built, check_hls, compile_net
from test_generated_lint import verilator_lint

from shiftloom import beats, build, open_build, simulate_rtl
from shiftloom.codegen import golden
from shiftloom.codegen.config import parse
from shiftloom.codegen.contradictions import ENGINES
from shiftloom.rtl_sim import engine
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import Stall
from shiftloom.rtl_sim.memory import MemoryModel

FRAMES = 8
INTERVAL_WITHIN = 0.02
LATENCY_WITHIN = 0.4
"""Of the simulated clocks. The model lets an engine begin to emit when it has computed all: what
comes behind it in a small network starts much earlier than planned."""
BAD_CODE = 4
"""The bit of ERRORS."""
SLOW = MemoryModel((20, 200), stall=0.2, seed=3)
SLOWER = 1.01, 4
"""Clocks with it, as shares of those with the fast one: it costs some, it stops nothing."""


@dataclass(frozen=True)
class Case:
    """A sketch of `graph_nets` and the dataflows of its layers."""

    network: str
    dataflow: str
    target: dict[str, object] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)

    @property
    def engine(self) -> str:
        """The engine of its network."""
        return next(kind for kind in ENGINES if kind in (self.dataflow, *self.layers.values()))

    @property
    def name(self) -> str:
        """Names the test."""
        return "_".join((self.network, self.dataflow, *self.layers))

    @property
    def uses_memory(self) -> bool:
        """Whether the design has external memory."""
        return "systolic" in (self.dataflow, *self.layers.values())


CASES = (
    Case("branches", "dadiannao", {"array": [8, 8]}),
    Case("residual", "dadiannao", {"array": [4, 4]}, {"conv2d0": "pipeline"}),
    Case("residual", "systolic", {"array": [8, 8], "weight_ports": 1}),
    Case("branches", "systolic", {"array": [8, 16], "weight_ports": 2, "stationary": "output"}),
    Case("single", "systolic", {"array": [8, 8]}),
    Case("resized", "streaming", {"array": [8, 8]}, {"conv2d2": "systolic"}),
)
Builder = Callable[[Case], Built]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Builds each case once."""
    folder = tmp_path_factory.mktemp("engines")
    known: dict[str, Built] = {}

    def built(case: Case) -> Built:
        if case.name not in known:
            known[case.name] = _built(case, folder / case.name)
        return known[case.name]

    return built


def _built(case: Case, folder: Path) -> Built:
    quantized = graph_nets.quantized(case.network)
    layers = {name: {"dataflow": kind} for name, kind in case.layers.items()}
    config = parse({"target": {"dataflow": case.dataflow, **case.target}, "layers": layers})
    build(quantized, config, folder)
    return Built(quantized, open_build(folder), graph_nets.frames(quantized.graph, FRAMES, 5))


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def network(request: pytest.FixtureRequest, make: Builder) -> Built:
    """Each case, built."""
    return make(request.param)


def test_rtl_equals_golden_near_the_planned_clocks(network: Built, cache: Cache) -> None:
    result = simulate_rtl(network.opened, network.frames, None, cache)
    assert result.mismatches == 0, result.first
    plan = network.opened.plan
    assert abs(result.interval - plan.interval) <= INTERVAL_WITHIN * result.interval
    assert abs(result.latency - plan.latency) <= LATENCY_WITHIN * result.latency


def test_rtl_equals_golden_under_stalls(network: Built, cache: Cache) -> None:
    stall = Stall(2, idle=0.3, backpressure=0.7)
    result = simulate_rtl(network.opened, network.frames, None, cache, stall=stall)
    assert result.mismatches == 0, result.first


@pytest.mark.parametrize(
    "network", [case for case in CASES if case.uses_memory], ids=lambda c: c.name, indirect=True
)
def test_rtl_equals_golden_with_slow_memory(network: Built, cache: Cache) -> None:
    given = beats.encode(network.opened.qgraph, network.frames)
    top = network.opened.sim_top()
    fast, slow = (
        engine.run(top, given, cache=cache, jobs=1, memory=model) for model in (MemoryModel(), SLOW)
    )
    got = beats.decode(network.opened.qgraph, slow.outputs)
    assert (got == golden.run(network.opened.qgraph, network.frames)).all()
    assert slow.errors == 0
    assert slow.ports == fast.ports
    assert SLOWER[0] * fast.cycles <= slow.cycles <= SLOWER[1] * fast.cycles


@pytest.mark.parametrize("corrupted", [False, True])
def test_a_code_that_is_none_is_told(
    corrupted: bool, make: Builder, cache: Cache, tmp_path: Path
) -> None:
    """Weights of 111 in the external memory count as 0, and set ERRORS.bad_code."""
    network = make(next(case for case in CASES if case.network == "single"))
    top, image = network.opened.sim_top(), tmp_path / "image"
    assert top.memory is not None
    content = bytearray(top.memory.image.read_bytes())
    if corrupted:
        content[:3] = b"\xff" * 3
    image.write_bytes(content)
    given = beats.encode(network.opened.qgraph, network.frames)
    changed = replace(top, memory=replace(top.memory, image=image))
    result = engine.run(changed, given, cache=cache, jobs=1)
    assert result.errors == BAD_CODE * corrupted
    got = beats.decode(network.opened.qgraph, result.outputs)
    wanted = golden.run(network.opened.qgraph, network.frames)
    assert (got != wanted).any() == corrupted


def test_hls_equals_golden(network: Built, cache: Cache) -> None:
    check_hls(network, cache)


def test_maps_of_one_pixel(cache: Cache, tmp_path: Path) -> None:
    """Their tiles are single words, of which a buffer could hold one alone."""
    network = compile_net(pixel_net(), tmp_path)
    (plan,) = network.opened.plan.engines
    assert plan.buffer == 2
    assert verilator_lint(network.opened.design.name, network.opened.sources()) == ""
    result = simulate_rtl(network.opened, network.frames, None, cache)
    assert result.mismatches == 0, result.first
    check_hls(network, cache)
