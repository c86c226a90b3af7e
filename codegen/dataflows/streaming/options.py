"""The ways to build each stage of a network: PE kind, folding and requantization lanes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shiftloom.codegen import cost
from shiftloom.codegen.config import Config, LayerConfig
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows.streaming.chain import Choices, build_chain
from shiftloom.codegen.dataflows.streaming.tokens import simulate
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.pe import PES, ConstantMatrix
from shiftloom.codegen.plan import MacPlan, RequantPlan
from shiftloom.codegen.qgraph import Mac, QGraph, QNode, Requantize, WindowReduce

MAX_UNROLLED = 4096
"""Weights of the largest layer considered for burnt-in adder networks."""
MAX_BEAT_BITS = 4096
"""Widest stream between a window and its matrix unit."""


@dataclass(frozen=True, slots=True)
class Option:
    """One way to build a stage: its choices, clocks a frame and predicted resources.

    `cycles` is what its slowest unit needs when no stream ever stalls.
    """

    macs: tuple[MacPlan, ...]
    requants: tuple[RequantPlan, ...]
    cycles: int
    resources: Resources

    def choices(self) -> Choices:
        """The same, by node name, with the shallowest FIFOs."""
        return Choices({p.node: p for p in self.macs}, {p.node: p for p in self.requants}, {})


@dataclass(frozen=True, slots=True)
class Stage:
    """A layer with the poolings and the requantization behind it, as a network of its own."""

    name: str
    qgraph: QGraph
    config: LayerConfig

    def units(self, option: Option, elements: int | None = None) -> tuple[Unit, ...]:
        """The stage's chain; `elements` come in a beat (whole pixels by default)."""
        return build_chain(self.qgraph, option.choices(), serial=False, elements=elements)

    def interval(self, option: Option, elements: int) -> int:
        """Clocks a frame takes when the stage before it never lets it wait."""
        return simulate(self.units(option, elements)).interval


def stages_of(qgraph: QGraph, config: Config) -> list[Stage]:
    """The network cut in front of every matrix product."""
    groups: list[list[QNode]] = []
    for node in qgraph.nodes:
        if not groups or isinstance(node.unit, Mac):
            groups.append([])
        groups[-1].append(node)
    result = []
    for group in groups:
        head = group[0]
        inner = QGraph(
            qgraph.name,
            qgraph.tensor(head.source),
            tuple(replace(node, source="input") if node is head else node for node in group),
        )
        result.append(Stage(head.name, inner, config.layer(head.layer)))
    return result


def options_of(stage: Stage) -> list[Option]:
    """All ways to build a stage, cheapest first; raises ShiftloomError if there is none."""
    head = stage.qgraph.nodes[0]
    plans: Iterator[MacPlan | None] = iter([None])
    if isinstance(head.unit, Mac):
        plans = _foldings(head, head.unit, stage.config)
    options = [_option(stage, plan) for plan in plans]
    if not options:
        assert isinstance(head.unit, Mac)
        raise ShiftloomError(head.name, *_impossible(head.unit, stage.config))
    return sorted(options, key=lambda option: option.resources.lut)


def _foldings(head: QNode, mac: Mac, config: LayerConfig) -> Iterator[MacPlan]:
    outputs = int(mac.weights.data.shape[0])
    for kind in PES:
        if config.pe not in ("auto", kind.kind.removeprefix("mvu_")):
            continue
        for pe in _divisors(outputs):
            for simd in _divisors(mac.lanes):
                if config.folding is not None and config.folding != (pe, simd):
                    continue
                if not kind.supports(mac, pe, simd):
                    continue
                if kind is ConstantMatrix and config.pe == "auto" and not _unrollable(mac):
                    continue
                if config.folding is None and simd * 8 > MAX_BEAT_BITS:
                    continue
                yield MacPlan(head.name, kind.kind, pe, simd)


def _unrollable(mac: Mac) -> bool:
    return int(mac.weights.data.size) <= MAX_UNROLLED


def _impossible(mac: Mac, config: LayerConfig) -> tuple[str, str]:
    outputs, lanes = int(mac.weights.data.shape[0]), mac.lanes
    if config.folding is None:
        return f"no PE of kind {config.pe!r} can run it", "use pe: auto"
    pe, simd = config.folding
    if outputs % pe == 0 and lanes % simd == 0:
        problem = f"PE {config.pe} cannot fold the layer to PE={pe}, SIMD={simd}"
        return problem, f"use PE={outputs}, SIMD={lanes} or pe: shift"
    problem = f"folding PE={pe}, SIMD={simd} does not divide {outputs} outputs × {lanes} terms"
    return problem, (
        f"use PE of {', '.join(map(str, _divisors(outputs)))} and "
        f"SIMD of {', '.join(map(str, _divisors(lanes)))}"
    )


def _divisors(value: int) -> list[int]:
    return [d for d in range(1, value + 1) if value % d == 0]


def _option(stage: Stage, mac: MacPlan | None) -> Option:
    macs = (mac,) if mac is not None else ()
    requants = tuple(
        _requant(stage, node, node.unit, mac)
        for node in stage.qgraph.nodes
        if isinstance(node.unit, Requantize)
    )
    units = stage.units(Option(macs, requants, 0, Resources()))
    return Option(macs, requants, max(unit.cycles() for unit in units), cost.total(units))


def _requant(stage: Stage, node: QNode, unit: Requantize, mac: MacPlan | None) -> RequantPlan:
    """Fewest lanes that keep up with the bursts in which pixels leave the matrix and pooling."""
    channels = node.out.shape[2]
    gap = 1
    for before in stage.qgraph.nodes:
        if isinstance(before.unit, Mac) and mac is not None:
            outputs = int(before.unit.weights.data.shape[0])
            gap = outputs // mac.pe * (before.unit.lanes // mac.simd)
        if isinstance(before.unit, WindowReduce):
            gap *= before.unit.window.stride[1]
    lanes = next(d for d in _divisors(channels) if channels // d <= gap or d == channels)
    method = stage.config.requant
    if unit.requantization.shift == 0 and unit.requantization.out.bits > 8:
        method = "mult_shift"
    return RequantPlan(node.name, method, lanes, stage.config.requant_dsp)
