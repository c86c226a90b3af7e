"""Mixed precision: where sensitivities, costs and networks meet, as `shiftloom search` does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from shiftloom.codegen import calibration
from shiftloom.codegen import config as configuration
from shiftloom.codegen import fitted as fitting
from shiftloom.codegen.config import Config
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Frames, Graph, IntFrames
from shiftloom.codegen.mixed import costs
from shiftloom.codegen.mixed.assignment import Front, Reals
from shiftloom.codegen.mixed.candidates import PHI, Candidate, assigned, load
from shiftloom.codegen.mixed.costs import Costs, Meter
from shiftloom.codegen.pruning import prune
from shiftloom.codegen.quantize import Quantized, folded, quantize
from shiftloom.flow import Labels
from shiftloom.models.sensitivity import alone, hessian
from shiftloom.models.sensitivity.alone import Progress, Settled
from shiftloom.subject import Subject

By = Literal["divergence", "loss", "hessian"]
"""What damage is: see docs/mixed-precision.md."""
BYS: tuple[By, ...] = get_args(By)
_OPTIONS = "--budget-bits, --budget-luts or --budget-energy"
ROUNDS = 6
"""Attempts at a budget that a mixed network's own plan exceeds."""


@dataclass(frozen=True, slots=True)
class Variant:
    """The network with a candidate chosen for every layer, and what it costs."""

    name: str
    settings: Mapping[str, Any]
    choices: Mapping[str, str]
    settled: Settled
    by_layer: Mapping[str, float]

    @property
    def quantized(self) -> Quantized:
        """Its integers."""
        return self.settled.quantized

    @property
    def cost(self) -> float:
        """The sum of all layers."""
        return sum(self.by_layer.values())


@dataclass(frozen=True, slots=True)
class Chosen:
    """A variant that a search chose, and the damage that it expects."""

    variant: Variant
    damage: float


@dataclass(frozen=True)
class Problem:
    """A float network, labelled frames apart from the test set, plain settings, candidates."""

    network: Graph
    given: Frames
    labels: Labels | None
    settings: Mapping[str, Any]
    candidates: tuple[Candidate, ...]
    meter: Meter

    @cached_property
    def graph(self) -> Graph:
        """The graph whose layers are quantized."""
        return folded(self.network)

    @cached_property
    def config(self) -> Config:
        """The settings that candidates are put over."""
        return configuration.parse(dict(self.settings))

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """The layers that a candidate is chosen for."""
        nodes = self.graph.nodes
        names = tuple(node.name for node in nodes if isinstance(node.op, fitting.Layer))
        if not names:
            raise ShiftloomError(
                self.network.name, "has no layer with weights", "build it as it is"
            )
        return names

    @cached_property
    def frames(self) -> dict[str, IntFrames]:
        """The frames that damage is measured on."""
        return calibration.checked(self.graph, self.given, self.config.calibration.frames)

    def variant(self, picks: Sequence[int]) -> Variant:
        """The network with these candidates, by number from 0 a layer, quantized and measured.

        Its name is that of the one candidate everywhere, else their numbers from 1.
        """
        picked = [self.candidates[pick] for pick in picks]
        choices = dict(zip(self.layers, picked, strict=True))
        settings = assigned(self.settings, choices)
        config = configuration.parse(settings)
        quantized = quantize(self.network, self.given, config)
        by_layer = self.meter.measure(quantized.qgraph, config)
        names = {layer: candidate.name for layer, candidate in choices.items()}
        numbers = " ".join(str(pick + 1) for pick in picks)
        name = numbers if len(set(picks)) > 1 else picked[0].name
        return Variant(name, settings, names, Settled(quantized, config), by_layer)


@dataclass(frozen=True, slots=True)
class Space:
    """Damages and costs of every candidate in every layer, and the networks they were taken from.

    `uniform` has the networks with one candidate everywhere.
    """

    problem: Problem
    uniform: tuple[Variant, ...]
    damages: Reals
    costs: Costs
    front: Front

    def within(self, limit: float) -> Chosen:
        """The assignment of least damage whose own network costs at most `limit`.

        Where a mixed network costs more than its parts did, cheaper ones are tried, the cheapest
        last. Raises ShiftloomError with the least possible cost where none is within the limit.
        """
        cheapest = self.front.least
        allowed, least = limit - self.costs.rest, cheapest + self.costs.rest
        for left in reversed(range(ROUNDS)):
            found = self.front.within(allowed)
            if found is None:
                break
            variant = self.problem.variant(found.picks)
            excess = variant.cost - limit
            if excess <= 0:
                return Chosen(variant, found.damage)
            least = variant.cost
            if found.cost == cheapest:
                break
            allowed = max(cheapest, found.cost - excess) if left > 1 else cheapest
        unit = self.problem.meter.unit
        raise ShiftloomError(
            "budget",
            f"{limit:,.0f} {unit}, the cheapest assignment takes {np.ceil(least):,.0f}",
            "give at least as much, or cheaper candidates",
        )

    def along(self, points: int) -> tuple[Chosen, ...]:
        """What is chosen at `points` budgets between the least and the most, without twins.

        Of budgets that allow the same assignment only the largest is tried with a network.
        """
        limits = np.linspace(self.front.least, self.front.most, points)
        distinct = {found.picks: x for x in limits if (found := self.front.within(x))}
        made = (self.within(limit + self.costs.rest) for limit in distinct.values())
        return tuple({tuple(c.variant.choices.values()): c for c in made}.values())


def explore(problem: Problem, by: By, progress: Progress) -> Space:
    """Measure every candidate in every layer.

    Raises ShiftloomError where frames, labels or a candidate do not suit the measure `by`.
    """
    _check(problem, by)
    layers, frames = problem.layers, problem.frames
    numbers = range(len(problem.candidates))
    uniform = tuple(problem.variant([number] * len(layers)) for number in numbers)
    settled = [variant.settled for variant in uniform]
    if by == "hessian":
        seed = problem.config.calibration.seed
        damages = hessian.damages(settled, layers, frames, seed, progress)
    else:
        count = len(next(iter(frames.values())))
        labels = problem.labels[:count] if by == "loss" and problem.labels is not None else None
        damages = alone.losses(settled, layers, frames, labels, progress)
    made = _costs(problem, uniform, progress)
    return Space(problem, uniform, damages, made, Front(made.layers, damages))


def _costs(problem: Problem, uniform: Sequence[Variant], progress: Progress) -> Costs:
    """From the uniform networks; layer by layer where one changes what its readers cost."""
    layers = problem.layers
    widths = {v.settled.config.layer(name).activation_bits for v in uniform for name in layers}
    if not problem.meter.sees_neighbours or len(widths) == 1:
        return costs.tabulated([variant.by_layer for variant in uniform], layers)
    base = min(range(len(uniform)), key=lambda number: uniform[number].cost)
    totals = np.full((len(layers), len(uniform)), uniform[base].cost)
    places = [place for place in np.ndindex(totals.shape) if place[1] != base]
    for done, (row, column) in enumerate(places, 1):
        picks = [column if index == row else base for index in range(len(layers))]
        totals[row, column] = problem.variant(picks).cost
        progress(done, len(places))
    return costs.marginal(uniform[base].by_layer, totals, layers)


def _check(problem: Problem, by: By) -> None:
    if by == "loss" and problem.labels is None:
        raise ShiftloomError(
            "--by loss", "the calibration frames have no labels", "use --by divergence"
        )
    if by != "hessian":
        return
    for candidate in problem.candidates:
        if "activation_bits" in candidate.settings:
            raise ShiftloomError(
                f"candidate {candidate.name!r}",
                "the Hessian is that of weights, not of activations",
                "use --by divergence",
            )


def measure(word: str) -> By:
    """The measure of damage by its name; raises ShiftloomError listing all for another word."""
    for known in BYS:
        if word == known:
            return known
    raise ShiftloomError("--by", f"unknown measure {word!r}", f"use {', '.join(BYS)}")


@dataclass(frozen=True, slots=True)
class Budget:
    """What is limited, and to how much; None where only a front is asked for."""

    meter: Meter
    limit: float | None


def budget(
    bits: float | None,
    luts: float | None,
    energy: float | None,
    fps: float | None,
    front: int | None,
) -> Budget:
    """The one budget that was given; one of bits, without a limit, beside a front.

    Raises ShiftloomError for two of them, for nothing to do, and for LUTs without a rate.
    """
    limits = ((costs.BITS, bits), (costs.LUTS, luts), (costs.ENERGY, energy))
    given = [Budget(meter, limit) for meter, limit in limits if limit is not None]
    if len(given) > 1:
        raise ShiftloomError("budget", f"{len(given)} were given", f"give one of {_OPTIONS}")
    if not given and front is None:
        raise ShiftloomError("budget", "is missing", f"give {_OPTIONS}, or --front")
    if luts is not None and fps is None:
        raise ShiftloomError("--budget-luts", "depends on the rate", "give --target-fps")
    return given[0] if given else Budget(costs.BITS, None)


def problem(
    subject: Subject,
    calibration_file: Path | None,
    settings: Mapping[str, Any],
    candidate_file: Path | None,
    meter: Meter,
) -> Problem:
    """What is to be searched; raises ShiftloomError for a network that was tuned already."""
    graph = prune(subject.untuned_graph(), configuration.parse(dict(settings)))
    frames, labels = subject.labelled(graph, calibration_file)
    candidates = load(candidate_file) if candidate_file else PHI
    return Problem(graph, frames, labels, settings, candidates, meter)
