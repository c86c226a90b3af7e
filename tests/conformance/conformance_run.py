"""One network through everything: build, RTL with and without stalls, HLS C++, golden, timing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import graph_nets
import numpy as np
from conformance_nets import Net
from graph_plans import random_choices

from shiftloom import OpenedBuild, Quantized, build, open_build, simulate_hls, simulate_rtl
from shiftloom.codegen import boards, fileset
from shiftloom.codegen.build import emit, lower
from shiftloom.codegen.dataflows.streaming.compose import compose
from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.fifo_sizing import size_fifos
from shiftloom.codegen.graph import Frames
from shiftloom.codegen.plan import FifoPlan, Plan
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import Stall

FRAMES = 32
GRAPHS = (
    (("residual", "two_outputs", "single"), 2),
    (("branches", "grouped"), 2),
    (("two_inputs", "resized", "formats"), 3),
    ((graph_nets.RANDOM,), 15),
    (("grouped", "formats"), 4, "pipeline"),
)
"""Sketches that share a binary, the seeds of their plans, and the dataflow if not `streaming`."""
STALLS = (Stall(1), Stall(2, idle=0.0, backpressure=0.8), Stall(3, idle=0.95, backpressure=0.1))


@dataclass(frozen=True)
class Built:
    """The integers of a network, its build folder read back, and the frames every backend runs."""

    quantized: Quantized
    opened: OpenedBuild
    frames: Frames


def compile_net(net: Net, folder: Path) -> Built:
    """Quantize and build `net` into `folder`, and open what was written."""
    quantized = net.quantized()
    build(quantized, net.settings(), folder / net.name)
    return Built(quantized, open_build(folder / net.name), net.frames(FRAMES))


def compile_graph(
    names: tuple[str, ...], seed: int, folder: Path, dataflow: str = "streaming"
) -> Built:
    """Build sketches of `graph_nets` side by side, with a random plan."""
    quantized = graph_nets.quantized(*names, seed=seed)
    qgraph, board = quantized.qgraph, boards.get("pynq-z2")
    choices = random_choices(qgraph, np.random.default_rng(seed), dataflow)
    units, found = size_fifos(compose(qgraph, choices))
    fifos = tuple(FifoPlan(unit.name, unit.depth) for unit in units if isinstance(unit, Fifo))
    chosen = choices.macs, choices.requants, choices.lanes, fifos
    plan = Plan(dataflow, board, 100.0, *chosen, found.interval, found.latency)
    files = emit(quantized, plan, lower(qgraph, plan, units))
    target = folder / f"{qgraph.name}_{seed}_{dataflow}"
    fileset.write(fileset.with_manifest(files), target)
    frames = graph_nets.frames(quantized.graph, FRAMES, seed + 1)
    return Built(quantized, open_build(target), frames)


def check_rtl(built: Built, cache: Cache) -> None:
    """The RTL gives the golden integers, at exactly the clocks that the plan predicts."""
    plan = built.opened.plan
    result = simulate_rtl(built.opened, built.frames, None, cache)
    assert result.mismatches == 0, result.first
    assert (result.interval, result.latency) == (plan.interval, plan.latency)


def check_stalls(built: Built, cache: Cache) -> None:
    """Idle inputs and blocked outputs change no integer."""
    for stall in STALLS:
        result = simulate_rtl(built.opened, built.frames, None, cache, stall=stall)
        assert result.mismatches == 0, f"{stall}: {result.first}"


def check_hls(built: Built, cache: Cache) -> None:
    """The HLS C++ gives the golden integers."""
    assert simulate_hls(built.opened, built.frames, None, cache).mismatches == 0
