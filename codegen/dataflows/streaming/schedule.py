"""The streaming scheduler: PE kind, folding, requantization lanes and FIFO depths of each layer.

Layers are independent once an interval is given: each takes its cheapest option that keeps it. The
interval is the target rate's, or the shortest at which the sum fits the board's shares.
"""

from __future__ import annotations

from collections.abc import Sequence

from shiftloom.codegen import cost
from shiftloom.codegen.boards import Board
from shiftloom.codegen.config import Config, TargetConfig
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows.streaming.chain import Choices, build_chain
from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.fifo_sizing import size_fifos
from shiftloom.codegen.dataflows.streaming.options import Option, Stage, options_of, stages_of
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import FifoPlan, Plan
from shiftloom.codegen.qgraph import QGraph


def schedule(qgraph: QGraph, config: Config, board: Board) -> tuple[Plan, tuple[Unit, ...]]:
    """Choose everything for `board`; returns the plan and its chain of units.

    Raises ShiftloomError when a folding is impossible or nothing fits, with the nearest numbers.
    """
    clock = config.target.clock_mhz or board.clock_mhz
    stages = stages_of(qgraph, config)
    options = [options_of(stage) for stage in stages]
    if config.target.fps is None:
        chosen = _fastest(options, board, config.target)
    else:
        chosen = _for_rate(stages, options, config.target.fps, clock)
    macs = tuple(plan for option in chosen for plan in option.macs)
    requants = tuple(plan for option in chosen for plan in option.requants)
    choices = Choices({p.node: p for p in macs}, {p.node: p for p in requants}, {})
    units, timing = size_fifos(build_chain(qgraph, choices))
    _check_fit(cost.total(units), board, config.target)
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


def _for_rate(
    stages: list[Stage], options: list[list[Option]], fps: float, clock: float
) -> list[Option]:
    """Cheapest option of each stage that keeps the rate.

    Deep enough FIFOs between stages make the slowest stage's interval the chain's.
    """
    allowed = int(clock * 1e6 / fps)
    chosen: list[Option] = []
    elements = stages[0].qgraph.input.shape[2]
    for stage, choices in zip(stages, options, strict=True):
        option, interval = _keeping(stage, choices, allowed, elements)
        if interval > allowed:
            raise ShiftloomError(
                stage.name,
                f"needs {interval} clocks, {fps:g} frames/s at {clock:g} MHz allow {allowed}",
                f"ask for at most {clock * 1e6 // interval:.0f} frames/s",
            )
        chosen.append(option)
        elements = stage.units(option, elements)[-1].sink.elements
    return chosen


def _keeping(
    stage: Stage, choices: list[Option], allowed: int, elements: int
) -> tuple[Option, int]:
    """The cheapest option whose simulated interval is allowed, or the fastest; and its interval.

    Units that wait for each other can make a stage slower than its slowest unit. Then an option
    with fewer clocks a unit is tried next.
    """
    budget = allowed
    best: tuple[Option, int] | None = None
    while True:
        option = next((o for o in choices if o.cycles <= budget), None)
        if option is None:
            return best or _simulated(stage, min(choices, key=_cycles), elements)
        found = _simulated(stage, option, elements)
        if found[1] <= allowed:
            return found
        best = found if best is None or found[1] < best[1] else best
        budget = option.cycles - 1


def _simulated(stage: Stage, option: Option, elements: int) -> tuple[Option, int]:
    return option, stage.interval(option, elements)


def _cycles(option: Option) -> int:
    return option.cycles


def _fastest(options: list[list[Option]], board: Board, target: TargetConfig) -> list[Option]:
    """The shortest interval whose cheapest options fit the board's shares."""
    floor = max(min(option.cycles for option in choices) for choices in options)
    candidates = sorted({o.cycles for choices in options for o in choices if o.cycles >= floor})
    for interval in candidates:
        chosen = [next(o for o in choices if o.cycles <= interval) for choices in options]
        if not _excess(_sum(chosen), board, target):
            return chosen
    smallest = [choices[0] for choices in options]
    _check_fit(_sum(smallest), board, target)
    return smallest


def _sum(chosen: Sequence[Option]) -> Resources:
    return sum((option.resources for option in chosen), Resources())


def _excess(used: Resources, board: Board, target: TargetConfig) -> str:
    """The first resource over its share, with the numbers; empty when all fit."""
    for name in ("lut", "ff", "dsp", "bram36"):
        limit = getattr(board, name) * getattr(target, f"{name.removesuffix('36')}_share")
        if getattr(used, name) > limit:
            return f"{getattr(used, name):.0f} {name} predicted, the limit is {limit:.0f}"
    return ""


def _check_fit(used: Resources, board: Board, target: TargetConfig) -> None:
    problem = _excess(used, board, target)
    if problem:
        raise ShiftloomError(
            f"board {board.name}", problem, "ask for fewer frames/s, a larger share or board"
        )
