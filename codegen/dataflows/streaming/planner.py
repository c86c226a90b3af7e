"""Trials of a network's plan: options allocated to its stages, put together and measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shiftloom.codegen import cost
from shiftloom.codegen.boards import Board
from shiftloom.codegen.config import Config, TargetConfig
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows.engine.build import with_engines
from shiftloom.codegen.dataflows.streaming.allocation import NAMES, allocate
from shiftloom.codegen.dataflows.streaming.compose import compose
from shiftloom.codegen.dataflows.streaming.fifo_sizing import size_fifos
from shiftloom.codegen.dataflows.streaming.options import Menu, NodePlan, Option, choices
from shiftloom.codegen.dataflows.streaming.stages import cut
from shiftloom.codegen.dataflows.streaming.tokens import Schedule
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import EnginePlan
from shiftloom.codegen.qgraph import QGraph

SETTLING = 4
"""Attempts at a joint allocation of the stages and of what joins them."""


@dataclass(frozen=True, slots=True)
class Trial:
    """An option for every stage, the units that they make, and the shares of the limits used."""

    options: tuple[Option, ...]
    units: tuple[Unit, ...]
    used: Resources
    peak: float

    @property
    def cycles(self) -> int:
        """Clocks a frame that the slowest unit needs."""
        return max(unit.cycles() for unit in self.units)


class Planner:
    """Makes trials of one network on one board."""

    def __init__(
        self,
        qgraph: QGraph,
        config: Config,
        board: Board,
        engines: tuple[EnginePlan, ...] = (),
    ) -> None:
        self.qgraph = with_engines(qgraph, engines)
        self.board = board
        self.menus = tuple(Menu(stage, engines) for stage in cut(self.qgraph, config))
        self.limits = limits(board, config.target)
        self._joints = Resources()
        self._queues = Resources()

    def intervals(self) -> tuple[int, ...]:
        """Clocks a frame that are worth a trial, ascending; every stage reaches each of them."""
        floor = max(menu.fastest for menu in self.menus)
        found = {clocks for menu in self.menus for clocks in menu.intervals()}
        return (floor, *sorted(clocks for clocks in found if clocks > floor))

    def slowest(self) -> tuple[str, int]:
        """The stage that limits the rate, and the fewest clocks it needs."""
        menu = max(self.menus, key=lambda menu: menu.fastest)
        return menu.stage.name, menu.fastest

    def pick(self, budgets: Sequence[int]) -> tuple[Option, ...]:
        """The options allocated at `budgets` clocks each, which every stage can keep."""
        menus = [menu.at(clocks) for menu, clocks in zip(self.menus, budgets, strict=True)]
        rows = [[option.resources for option in menu] for menu in menus]
        picks = allocate(rows, _less(self.limits, self._joints + self._queues)).picks
        return tuple(menu[pick] for menu, pick in zip(menus, picks, strict=True))

    def price(self, resources: Resources) -> float:
        """Sum of the shares of the limits."""
        return sum(_shares(resources, self.limits))

    def trial(self, budgets: Sequence[int]) -> Trial:
        """The stages allocated at `budgets` clocks each; what joins them is found on the way.

        Every stage can keep its budget.
        """
        best: Trial | None = None
        for _ in range(SETTLING):
            found = self.measured(self.pick(budgets))
            if best is None or found.peak < best.peak:
                best = found
            parts = sum((option.resources for option in found.options), Resources())
            joints = _less(found.used, parts)
            if joints == self._joints:
                break
            self._joints = joints
        assert best is not None
        return best

    def measured(self, options: Sequence[Option]) -> Trial:
        """The units of chosen options with the shallowest FIFOs.

        The peak counts them as deep as those of the last trial that was sized.
        """
        units = compose(self.qgraph, choices(plans_of(options)))
        used = cost.total(units)
        return Trial(tuple(options), units, used, self.peak(used + self._queues))

    def sized(self, trial: Trial) -> tuple[Trial, Schedule]:
        """The trial with its FIFOs as deep as they need to be, and its schedule."""
        units, schedule = size_fifos(trial.units)
        used = cost.total(units)
        self._queues = _less(used, trial.used)
        return Trial(trial.options, units, used, self.peak(used)), schedule

    def peak(self, used: Resources) -> float:
        """Share of the limit of the scarcest resource."""
        return max(_shares(used, self.limits))

    def check(self, trial: Trial) -> Trial:
        """Refuse a trial that does not fit, with the first resource over its limit."""
        for name in NAMES:
            used, limit = getattr(trial.used, name), getattr(self.limits, name)
            if used > limit:
                raise ShiftloomError(
                    f"board {self.board.name}",
                    f"{used:.0f} {name} predicted, the limit is {limit:.0f}",
                    "ask for fewer frames/s, a larger share or board",
                )
        return trial


def plans_of(options: Iterable[Option]) -> tuple[NodePlan, ...]:
    """The plans of all stages."""
    return tuple(plan for option in options for plan in option.plans)


def limits(board: Board, target: TargetConfig) -> Resources:
    """What a plan may take of the board."""
    return Resources(
        board.lut * target.lut_share,
        board.ff * target.ff_share,
        board.dsp * target.dsp_share,
        board.bram36 * target.bram_share,
    )


def _shares(used: Resources, limits: Resources) -> list[float]:
    """Each resource's part of its limit; a limit of 0 counts as a tiny one."""
    return [getattr(used, name) / max(getattr(limits, name), 1e-3) for name in NAMES]


def _less(one: Resources, other: Resources) -> Resources:
    """What is left of each resource, at least 0."""
    return Resources(*(max(0.0, getattr(one, n) - getattr(other, n)) for n in NAMES))
