"""The latency objective: a frame alone shall be through as soon as asked, or as the board allows.

The arrival model tells what each stage adds. Stages start at one interval; then those are sped up
where that gains most for what it takes of the board. The token simulation has the last word: where
it finds more clocks than the model, the search is repeated for as many fewer.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from shiftloom.codegen.dataflows.streaming.arrivals import Arrivals
from shiftloom.codegen.dataflows.streaming.compose import input_elements
from shiftloom.codegen.dataflows.streaming.options import Option
from shiftloom.codegen.dataflows.streaming.planner import Planner, Trial
from shiftloom.codegen.dataflows.streaming.tokens import Schedule
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import EnginePlan, MacPlan
from shiftloom.codegen.qgraph import QGraph

ROUNDS = 5
"""Searches, each for fewer clocks by what the simulation found too many."""
STEP = 0.95
"""A faster option has at most this part of the clocks."""
PRECISION = 1.03
"""Ratio of latencies at which the search for the least one ends."""
STARTS = 5
"""Intervals from which stages are sped up one by one."""


@dataclass(frozen=True, slots=True)
class _State:
    """An option for every stage, and the latency that the model gives them."""

    options: tuple[Option, ...]
    latency: float

    @property
    def budgets(self) -> list[int]:
        """Clocks a frame of every stage."""
        return [option.cycles for option in self.options]


def search(planner: Planner, fps: float | None, clock: float) -> tuple[Trial, Schedule]:
    """The cheapest plan whose latency allows `fps` frames a second one by one.

    Without a rate, the plan of the least latency that fits. Raises ShiftloomError where the rate is
    out of reach.
    """
    finder = _Finder(planner)
    if fps is None:
        return _fitting(planner, finder)
    allowed = int(clock * 1e6 / fps)
    wanted, best = float(allowed), None
    for _ in range(ROUNDS):
        trial = finder.within(wanted)
        found = planner.sized(trial) if trial else None
        if found and (best is None or found[1].latency < best[1].latency):
            best = found
        if found is None or found[1].latency <= allowed:
            break
        wanted *= min(0.99, allowed / found[1].latency)
    if best is None or best[1].latency > allowed:
        least = planner.sized(finder.least())
        best = least if best is None or least[1].latency < best[1].latency else best
    if best[1].latency > allowed:
        raise ShiftloomError(
            planner.qgraph.name,
            f"has {best[1].latency} clocks of latency, {fps:g} frames/s one by one at {clock:g} MHz"
            f" allow {allowed}",
            f"ask for at most {clock * 1e6 // best[1].latency:.0f} frames/s",
        )
    return best


def _fitting(planner: Planner, finder: _Finder) -> tuple[Trial, Schedule]:
    """The plan of the least latency that fits with its FIFOs as deep as they need to be."""
    found = planner.sized(finder.fastest())
    for _ in range(ROUNDS):
        if found[0].peak <= 1:
            break
        found = planner.sized(finder.fastest())
    return found


class _Finder:
    """Finds budgets, clocks a frame of every stage, by the arrival model."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        source = planner.qgraph.inputs[0].tensor
        pace = source.shape[2] / input_elements(planner.qgraph)
        self._arrivals = Arrivals(planner.qgraph, pace)
        self._paths: dict[int, list[_State]] = {}

    def within(self, wanted: float) -> Trial | None:
        """The trial of the smallest share whose modelled latency is at most `wanted`, if any."""
        found = [self._hastened(start, wanted) for start in self._starts(wanted)]
        trials = [self._planner.trial(state.budgets) for state in found if state is not None]
        return min(trials, key=lambda trial: trial.peak, default=None)

    def fastest(self) -> Trial:
        """The least latency that fits, by halving what is between it and what does not fit."""
        self._paths.clear()
        intervals = self._planner.intervals()
        fits = bisect_left(range(len(intervals)), True, key=lambda i: self._fits(intervals[i]))
        start = intervals[min(fits, len(intervals) - 1)]
        best = self._planner.trial([start] * len(self._planner.menus))
        low, high = self._state(self.least().options).latency, self._state(best.options).latency
        while high > PRECISION * low:
            middle = (low * high) ** 0.5
            trial = self.within(middle)
            if trial and trial.peak <= 1:
                best, high = trial, middle
            else:
                low = middle
        return best

    def least(self) -> Trial:
        """The fastest of every stage, whether it fits or not."""
        return self._planner.trial([menu.fastest for menu in self._planner.menus])

    def _fits(self, interval: int) -> bool:
        return self._planner.trial([interval] * len(self._planner.menus)).peak <= 1

    def _starts(self, wanted: float) -> list[int]:
        """The longest interval that has the wanted latency, and longer ones."""
        intervals = self._planner.intervals()
        first = bisect_left(
            intervals, True, key=lambda clocks: self._path(clocks)[0].latency > wanted
        )
        longer = [clocks for clocks in intervals[first:] if clocks <= wanted]
        step = max(1, -(-len(longer) // (STARTS - 1)))
        return [*intervals[max(0, first - 1) : first or 1], *longer[::step]]

    def _path(self, start: int) -> list[_State]:
        """The states from an interval on, as far as they are known."""
        if start not in self._paths:
            options = self._planner.pick([start] * len(self._planner.menus))
            self._paths[start] = [self._state(options)]
        return self._paths[start]

    def _hastened(self, start: int, wanted: float) -> _State | None:
        """The first state from `start` on that reaches a latency."""
        path = self._path(start)
        while path[-1].latency > wanted:
            stages = range(len(self._planner.menus))
            moves = [move for stage in stages if (move := self._faster(path[-1], stage))]
            if not moves:
                return None
            path.append(max(moves, key=lambda move: move[0])[1])
        return next(state for state in path if state.latency <= wanted)

    def _faster(self, state: _State, stage: int) -> tuple[float, _State] | None:
        """Gain for its price, and new state, of a stage's next faster option."""
        now = state.options[stage]
        menu = self._planner.menus[stage].at(int(now.cycles * STEP))
        if not menu:
            return None
        price = self._planner.price
        option = min(menu, key=lambda option: price(option.resources))
        options = (*state.options[:stage], option, *state.options[stage + 1 :])
        found = self._state(options)
        gain = state.latency - found.latency
        if gain <= 0:
            return None
        return gain / max(price(option.resources) - price(now.resources), 1e-6), found

    def _state(self, options: tuple[Option, ...]) -> _State:
        return _State(options, self._arrivals.latency(paces(self._planner.qgraph, options)))


def paces(qgraph: QGraph, options: tuple[Option, ...]) -> dict[str, float]:
    """Clocks a pixel of every node, for an option of every stage."""
    found: dict[str, float] = {}
    for option in options:
        for plan in option.plans:
            assert not isinstance(plan, EnginePlan), "networks with engines aim at an interval"
            if isinstance(plan, MacPlan):
                found[plan.node] = option.pace
            else:
                found[plan.node] = qgraph.tensor(plan.node).shape[2] / plan.lanes
    return found
