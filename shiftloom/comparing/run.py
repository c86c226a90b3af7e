"""One network through one dataflow: built, simulated, synthesized, and its traffic counted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from shiftloom import flow
from shiftloom.beats import encode
from shiftloom.codegen.config import Config, LayerConfig
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows import registry
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Frames
from shiftloom.codegen.pruning import prune
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.values import nearest
from shiftloom.comparing import layers, sizing
from shiftloom.comparing.layers import Kind
from shiftloom.comparing.traffic import Traffic, traffic
from shiftloom.opened import OpenedBuild, open_build
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.toggles import toggles
from shiftloom.simulation import simulate_rtl
from shiftloom.subject import part
from shiftloom.synthesis import synthesize_units

MULTIPLIERS = 256
FRAMES = 16
"""Frames that are simulated back to back."""
COUNTED_FRAMES = 2
"""Frames that toggles are counted in."""
LAYER_CONFIG = Config(defaults=LayerConfig(pe="shift"))
"""Settings of the built-in layers: 3-bit weights on shift PEs, as in the engines."""

Status = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """A dataflow on a network: clocks as planned and as simulated, cells, and what moves a frame.

    `products` counts multiplications a frame, `multipliers` those that can be done in a clock;
    `dram_bytes` go over the design's memory ports, counted in the simulation. `resources` is None
    where nothing was synthesized. `toggles` are those of each instance, none
    where they were not counted.
    """

    products: int
    multipliers: int
    planned_interval: int
    planned_latency: int
    interval: float
    latency: int
    mismatches: int
    dram_bytes: float
    traffic: Traffic
    toggles: dict[str, float]
    resources: Resources | None
    first: str = ""

    @property
    def utilization(self) -> float | None:
        """Share of the multipliers that work; None of a design without any."""
        if not self.multipliers:
            return None
        return self.products / (self.interval * self.multipliers)

    @property
    def all_toggles(self) -> float | None:
        """Bits that change in the whole design a frame; None where they were not counted."""
        return sum(self.toggles.values()) if self.toggles else None


@dataclass(frozen=True, slots=True)
class Row:
    """A network and a dataflow: what was measured, or why the dataflow refuses the network."""

    network: str
    dataflow: str
    found: Measured | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured: the multipliers to come near to, whether cells and toggles are counted."""

    multipliers: int | None = MULTIPLIERS
    synthesize: bool = True
    count_toggles: bool = True


def compare(
    quantized: Quantized,
    config: Config,
    frames: Frames,
    names: Iterable[str],
    options: Options,
    cache: Cache,
    status: Status,
) -> tuple[Row, ...]:
    """A row for each dataflow of `names`; `status` is told what is being done.

    Raises ShiftloomError for a name that is not known, and where a simulation breaks a rule.
    """
    known = tuple(dataflow.name for dataflow in registry.DATAFLOWS)
    for name in names:
        if name not in known:
            raise ShiftloomError(f"--dataflow {name!r}", "is not known", nearest(name, known))
    found = []
    for name in names:
        status(f"{quantized.qgraph.name}: {name}")
        settings = sizing.sized(config, quantized.qgraph, name, options.multipliers)
        found.append(_row(quantized, settings, frames, options, cache))
    return tuple(found)


def compare_layer(
    kind: Kind,
    names: Iterable[str],
    options: Options,
    cache: Cache,
    status: Status,
    config: Config = LAYER_CONFIG,
) -> tuple[Row, ...]:
    """The rows of a built-in layer with random weights, pruned and quantized as `config` says.

    It gets no more multipliers than its streams can keep busy.
    """
    graph = prune(kind.graph(), config)
    quantized = quantize(graph, kind.frames(layers.CALIBRATION_FRAMES), config)
    if options.multipliers is not None:
        useful = sizing.useful(quantized.qgraph, options.multipliers)
        options = replace(options, multipliers=useful)
    frames = kind.frames(FRAMES, seed=2)
    return compare(quantized, config, frames, names, options, cache, status)


def _row(
    quantized: Quantized, config: Config, frames: Frames, options: Options, cache: Cache
) -> Row:
    names = quantized.qgraph.name, config.target.dataflow
    with tempfile.TemporaryDirectory(prefix="shiftloom-compare-") as parent:
        folder = Path(parent) / quantized.qgraph.name
        try:
            flow.build(quantized, config, folder)
        except ShiftloomError as error:
            return Row(*names, None, str(error))
        return Row(*names, _measure(open_build(folder), frames, options, cache))


def _measure(opened: OpenedBuild, frames: Frames, options: Options, cache: Cache) -> Measured:
    run = simulate_rtl(opened, frames, None, cache)
    cells = synthesize_units(opened, cache) if options.synthesize else None
    return Measured(
        products=sizing.products(opened.qgraph),
        multipliers=sizing.multipliers_of(opened.units),
        planned_interval=opened.plan.interval,
        planned_latency=opened.plan.latency,
        interval=run.interval,
        latency=run.latency,
        mismatches=run.mismatches,
        dram_bytes=run.dram_bytes,
        traffic=traffic(opened.units),
        toggles=_toggles(opened, frames, cache) if options.count_toggles else {},
        resources=sum(cells.values(), Resources()) if cells is not None else None,
        first=run.first,
    )


def _toggles(opened: OpenedBuild, frames: Frames, cache: Cache) -> dict[str, float]:
    few = encode(opened.qgraph, part(frames, 0, COUNTED_FRAMES))
    return toggles(opened.sim_top(), few, cache=cache)
