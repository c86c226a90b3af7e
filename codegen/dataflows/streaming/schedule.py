"""The streaming scheduler: an option for every stage, and FIFO depths, for a rate or a board.

Stages are independent once an interval is given: each has its options that keep it, and the
allocation picks one of each so that the board's resources are used in proportion. The interval is
the target rate's, or the shortest that fits. What joins the stages (forks, converters, FIFOs) is
known once they are put together: it is taken off the limits, and the stages are allocated again.
"""

from __future__ import annotations

from bisect import bisect_left

from shiftloom.codegen.boards import Board
from shiftloom.codegen.config import Config
from shiftloom.codegen.dataflows.engine.build import with_engines
from shiftloom.codegen.dataflows.engine.search import plan_engines
from shiftloom.codegen.dataflows.streaming import latency
from shiftloom.codegen.dataflows.streaming.compose import Choices, compose
from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.options import choices
from shiftloom.codegen.dataflows.streaming.planner import Planner, Trial, plans_of
from shiftloom.codegen.dataflows.streaming.tokens import Schedule
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import EnginePlan, FifoPlan, Plan
from shiftloom.codegen.qgraph import QGraph

ROUNDS = 8
"""Attempts at a rate that units which wait for each other, or deep FIFOs, spoil at first."""


def schedule(qgraph: QGraph, config: Config, board: Board) -> tuple[Plan, tuple[Unit, ...]]:
    """Choose everything for `board`; returns the plan and its units.

    Raises ShiftloomError when a folding is impossible or nothing fits, with the nearest numbers.
    """
    return plan_engines(qgraph, config, board, _scheduled)


def _scheduled(
    qgraph: QGraph, config: Config, board: Board, engines: tuple[EnginePlan, ...]
) -> tuple[Plan, tuple[Unit, ...]]:
    """The plan of a network some parts of which run on engines."""
    clock = config.target.clock_mhz or board.clock_mhz
    planner, fps = Planner(qgraph, config, board, engines), config.target.fps
    if config.target.objective == "latency":
        trial, timing = latency.search(planner, fps, clock)
    elif fps is None:
        trial, timing = _fastest(planner)
    else:
        trial, timing = _for_rate(planner, fps, clock)
    name = config.target.dataflow
    return _plan(name, planner.check(trial), timing, board, clock), trial.units


def units_of(qgraph: QGraph, plan: Plan) -> tuple[Unit, ...]:
    """The units of a finished plan."""
    choices = Choices(plan.macs, plan.requants, plan.lanes, plan.fifos, plan.engines)
    return compose(with_engines(qgraph, plan.engines), choices)


def _plan(name: str, trial: Trial, timing: Schedule, board: Board, clock: float) -> Plan:
    chosen = choices(plans_of(trial.options))
    fifos = tuple(FifoPlan(unit.name, unit.depth) for unit in trial.units if isinstance(unit, Fifo))
    return Plan(
        name,
        board,
        clock,
        chosen.macs,
        chosen.requants,
        chosen.lanes,
        fifos,
        timing.interval,
        timing.latency,
        chosen.engines,
    )


def _for_rate(planner: Planner, fps: float, clock: float) -> tuple[Trial, Schedule]:
    """The plan that keeps a rate in the smallest share of the board."""
    allowed = int(clock * 1e6 / fps)
    stage, fewest = planner.slowest()
    if fewest > allowed:
        raise ShiftloomError(
            stage,
            f"needs {fewest} clocks, {fps:g} frames/s at {clock:g} MHz allow {allowed}",
            f"ask for at most {clock * 1e6 // fewest:.0f} frames/s",
        )
    best: tuple[Trial, Schedule] | None = None
    budget = allowed
    for _ in range(ROUNDS):
        found = planner.sized(planner.trial([budget] * len(planner.menus)))
        if best is None or found[1].interval < best[1].interval:
            best = found
        if found[1].interval <= allowed or budget == fewest:
            break
        budget = max(fewest, min(budget * allowed // found[1].interval, found[0].cycles - 1))
    assert best is not None
    if best[1].interval > allowed:
        raise ShiftloomError(
            planner.qgraph.name,
            f"needs {best[1].interval} clocks, {fps:g} frames/s at {clock:g} MHz allow {allowed}",
            f"ask for at most {clock * 1e6 // best[1].interval:.0f} frames/s",
        )
    return best


def _fastest(planner: Planner) -> tuple[Trial, Schedule]:
    """The plan of the shortest interval that fits, or of the longest one if none does."""
    intervals = planner.intervals()
    first = 0
    for _ in range(ROUNDS):
        first = bisect_left(range(len(intervals)), True, first, key=_Fits(planner, intervals))
        chosen = intervals[min(first, len(intervals) - 1)]
        found = planner.sized(planner.trial([chosen] * len(planner.menus)))
        if found[0].peak <= 1 or first >= len(intervals) - 1:
            break
    return found


class _Fits:
    """Whether a network fits at the interval of an index; longer intervals take less."""

    def __init__(self, planner: Planner, intervals: tuple[int, ...]) -> None:
        self._planner = planner
        self._intervals = intervals

    def __call__(self, index: int) -> bool:
        budgets = [self._intervals[index]] * len(self._planner.menus)
        return self._planner.trial(budgets).peak <= 1
