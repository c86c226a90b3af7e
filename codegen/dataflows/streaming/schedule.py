"""The streaming scheduler: PE kind, folding, requantization lanes and FIFO depths of each layer.

Layers are independent once an interval is given: each takes its cheapest option that keeps it. The
interval is the target rate's, or the shortest at which the sum fits the board's shares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shiftloom.codegen import cost
from shiftloom.codegen.boards import Board
from shiftloom.codegen.config import Config, LayerConfig, TargetConfig
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows.streaming.chain import Choices, build_chain
from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.fifo_sizing import size_fifos
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.pe import PES, ConstantMatrix
from shiftloom.codegen.plan import FifoPlan, MacPlan, Plan, RequantPlan
from shiftloom.codegen.qgraph import Mac, QGraph, QNode, Requantize, WindowReduce

MAX_UNROLLED = 4096
"""Weights of the largest layer considered for burnt-in adder networks."""
MAX_BEAT_BITS = 4096
"""Widest stream between a window and its matrix unit."""


@dataclass(frozen=True, slots=True)
class Option:
    """One way to build a stage: its choices, clocks a frame and predicted resources."""

    macs: tuple[MacPlan, ...]
    requants: tuple[RequantPlan, ...]
    cycles: int
    resources: Resources


@dataclass(frozen=True, slots=True)
class Stage:
    """A layer with the poolings and the requantization behind it, as a network of its own."""

    name: str
    qgraph: QGraph
    config: LayerConfig


def schedule(qgraph: QGraph, config: Config, board: Board) -> tuple[Plan, tuple[Unit, ...]]:
    """Choose everything for `board`; returns the plan and its chain of units.

    Raises ShiftloomError when a folding is impossible or nothing fits, with the nearest numbers.
    """
    clock = config.target.clock_mhz or board.clock_mhz
    stages = _stages(qgraph, config)
    options = [_options(stage) for stage in stages]
    if config.target.fps is not None:
        interval = int(clock * 1e6 / config.target.fps)
        chosen = _for_rate(stages, options, interval, config.target.fps, clock)
        _check_fit(chosen, board, config.target)
    else:
        chosen = _fastest(stages, options, board, config.target)
    macs = tuple(plan for option in chosen for plan in option.macs)
    requants = tuple(plan for option in chosen for plan in option.requants)
    choices = Choices({p.node: p for p in macs}, {p.node: p for p in requants}, {})
    units, timing = size_fifos(build_chain(qgraph, choices))
    fifos = tuple(FifoPlan(unit.node, unit.depth) for unit in units if isinstance(unit, Fifo))
    plan = Plan("streaming", board, clock, macs, requants, fifos, timing.interval, timing.latency)
    return plan, units


def chain(qgraph: QGraph, plan: Plan) -> tuple[Unit, ...]:
    """The units of a finished plan."""
    choices = Choices(
        {p.node: p for p in plan.macs},
        {p.node: p for p in plan.requants},
        {p.node: p.depth for p in plan.fifos},
    )
    return build_chain(qgraph, choices)


def _stages(qgraph: QGraph, config: Config) -> list[Stage]:
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


def _options(stage: Stage) -> list[Option]:
    """All foldings of a stage, cheapest first."""
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
                if simd * 8 > MAX_BEAT_BITS:
                    continue
                yield MacPlan(head.name, kind.kind, pe, simd)


def _unrollable(mac: Mac) -> bool:
    return int(mac.weights.data.size) <= MAX_UNROLLED


def _impossible(mac: Mac, config: LayerConfig) -> tuple[str, str]:
    outputs, lanes = int(mac.weights.data.shape[0]), mac.lanes
    if config.folding is None:
        return f"no PE of kind {config.pe!r} can run it", "use pe: auto"
    pe, simd = config.folding
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
    choices = Choices({p.node: p for p in macs}, {p.node: p for p in requants}, {})
    units = build_chain(stage.qgraph, choices, serial=False)
    cycles = max(unit.cycles() for unit in units)
    return Option(macs, requants, cycles, cost.total(units))


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


def _for_rate(
    stages: list[Stage],
    options: list[list[Option]],
    interval: int,
    fps: float,
    clock: float,
) -> list[Option]:
    """Cheapest option of each stage within `interval`."""
    chosen = []
    for stage, choices in zip(stages, options, strict=True):
        fitting = [option for option in choices if option.cycles <= interval]
        if not fitting:
            fastest = min(option.cycles for option in choices)
            raise ShiftloomError(
                stage.name,
                f"needs {fastest} clocks, {fps:g} frames/s at {clock:g} MHz allow {interval}",
                f"ask for at most {clock * 1e6 / fastest:.0f} frames/s",
            )
        chosen.append(fitting[0])
    return chosen


def _fastest(
    stages: list[Stage], options: list[list[Option]], board: Board, target: TargetConfig
) -> list[Option]:
    """The shortest interval whose cheapest options fit the board's shares."""
    floor = max(min(option.cycles for option in choices) for choices in options)
    candidates = sorted({o.cycles for choices in options for o in choices if o.cycles >= floor})
    chosen: list[Option] = []
    for interval in candidates:
        chosen = [next(o for o in choices if o.cycles <= interval) for choices in options]
        if not _excess(chosen, board, target):
            return chosen
    _check_fit(chosen, board, target)
    return chosen


def _excess(chosen: list[Option], board: Board, target: TargetConfig) -> str:
    """The first resource over its share, with the numbers; empty when all fit."""
    used = sum((option.resources for option in chosen), Resources())
    for name in ("lut", "ff", "dsp", "bram36"):
        limit = getattr(board, name) * getattr(target, f"{name.removesuffix('36')}_share")
        if getattr(used, name) > limit:
            return f"{getattr(used, name):.0f} {name} predicted, the limit is {limit:.0f}"
    return ""


def _check_fit(chosen: list[Option], board: Board, target: TargetConfig) -> None:
    problem = _excess(chosen, board, target)
    if problem:
        raise ShiftloomError(
            f"board {board.name}", problem, "ask for fewer frames/s, a larger share or board"
        )
