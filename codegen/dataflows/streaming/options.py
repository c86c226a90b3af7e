"""The ways to build a stage at a given interval, with their predicted resources."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from math import gcd

from shiftloom.codegen import cost
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows.engine import build as engine
from shiftloom.codegen.dataflows.streaming import foldings, tails
from shiftloom.codegen.dataflows.streaming.allocation import NAMES
from shiftloom.codegen.dataflows.streaming.compose import (
    Choices,
    compose_part,
    input_elements,
)
from shiftloom.codegen.dataflows.streaming.stages import Stage, channels, divisors
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.plan import EnginePlan, LanePlan, MacPlan, RequantPlan
from shiftloom.codegen.qgraph import Mac, Part, QGraph
from shiftloom.codegen.windows import Window

OVERSIZE = 2
"""A unit is at most this many times faster than asked, unless no slower folding keeps the rate."""
SMALL = 8
"""Products a clock up to which it may be faster: less deep memories can cost less."""

NodePlan = MacPlan | RequantPlan | LanePlan | EnginePlan


@dataclass(frozen=True, slots=True)
class Option:
    """One way to build a stage: a plan for each unit, clocks a frame and predicted resources.

    `cycles` is what its slowest unit needs when no stream ever stalls, `pace` the clocks between
    the pixels that leave its head.
    """

    plans: tuple[NodePlan, ...]
    cycles: int
    pace: int
    resources: Resources


def choices(plans: Iterable[NodePlan]) -> Choices:
    """Plans by their kinds, with the shallowest FIFOs."""
    plans = tuple(plans)
    return Choices(
        tuple(plan for plan in plans if isinstance(plan, MacPlan)),
        tuple(plan for plan in plans if isinstance(plan, RequantPlan)),
        tuple(plan for plan in plans if isinstance(plan, LanePlan)),
        engines=tuple(plan for plan in plans if isinstance(plan, EnginePlan)),
    )


def head_units(stage: Stage, plan: NodePlan) -> tuple[Unit, ...]:
    """The units at the head of a stage alone, as a plan builds it."""
    return compose_part(stage.head, choices((plan,)), _taken(stage, plan))


class _Part:
    """Units of a part of a network; what they cost is found when asked for."""

    def __init__(self, units: tuple[Unit, ...]) -> None:
        self._units = units

    @cached_property
    def cycles(self) -> int:
        """Clocks a frame of the slowest unit."""
        return max((unit.cycles() for unit in self._units), default=0)

    @cached_property
    def resources(self) -> Resources:
        """Their predicted sum."""
        return cost.total(self._units)


class _Way:
    """A plan for every unit of a stage, with its parts."""

    def __init__(self, plans: tuple[NodePlan, ...], pace: int, parts: tuple[_Part, ...]) -> None:
        self.cycles = max(part.cycles for part in parts)
        self._plans = plans
        self._pace = pace
        self._parts = parts

    @cached_property
    def option(self) -> Option:
        """The same with its price."""
        resources = sum((part.resources for part in self._parts), Resources())
        return Option(self._plans, self.cycles, self._pace, resources)


class Menu:
    """The options of one stage; every part of one is made once, when it is first asked for."""

    def __init__(self, stage: Stage, engines: tuple[EnginePlan, ...] = ()) -> None:
        self.stage = stage
        self._heads = _heads(stage, engines)
        self._kinds = tuple(dict.fromkeys(_kind(plan) for _, plan in self._heads))
        self._parts: dict[tuple[tuple[NodePlan, ...], int], _Part] = {}
        self._found: dict[NodePlan, list[_Way]] = {}
        self._at: dict[int, tuple[Option, ...]] = {}

    def intervals(self) -> tuple[int, ...]:
        """Clocks a frame that the unit at the head of the stage can take, ascending."""
        return tuple(sorted({clocks for clocks, _ in self._heads}))

    @cached_property
    def fastest(self) -> int:
        """The fewest clocks a frame of any option."""
        best = 0
        for clocks, plan in reversed(self._heads):
            if best and clocks >= best:
                break
            found = min(way.cycles for way in self._ways(plan))
            best = min(best, found) if best else found
        return best

    def at(self, interval: int) -> tuple[Option, ...]:
        """The options that take at most `interval` clocks and are not much faster.

        None dominates another. Empty where no folding is fast enough.
        """
        if interval not in self._at:
            found = [self._keeping(interval, kind) for kind in self._kinds]
            self._at[interval] = _undominated(list(chain.from_iterable(found)))
        return self._at[interval]

    def _keeping(self, interval: int, kind: str) -> list[Option]:
        """The same of one kind of unit at the head."""
        found: list[Option] = []
        reached = 0
        for clocks, plan in self._heads:
            if clocks > interval or _kind(plan) != kind:
                continue
            if found and clocks < reached and clocks * OVERSIZE < interval:
                break
            options = [way.option for way in self._ways(plan) if way.cycles <= interval]
            reached = clocks if options else reached
            found += options
        return [*found, *self._smaller_memories(min((o.cycles for o in found), default=0), kind)]

    def _smaller_memories(self, clocks: int, kind: str) -> list[Option]:
        """Small units of fewer clocks."""
        small = [plan for fewer, plan in self._heads if fewer < clocks and _is_small(plan)]
        return [way.option for plan in small if _kind(plan) == kind for way in self._ways(plan)]

    def _ways(self, plan: NodePlan) -> list[_Way]:
        """The stage with a plan for its head, and each of those for its tail."""
        if plan not in self._found:
            stage, pace = self.stage, _pace(self.stage, plan)
            head = self._part(stage.head, (plan,), _taken(stage, plan))
            if stage.tail is None:
                self._found[plan] = [_Way((plan,), pace, (head,))]
            else:
                made = _made(stage, plan)
                self._found[plan] = [
                    _Way((plan, *tail), pace, (head, self._part(stage.tail, tail, made)))
                    for tail in tails.of(stage, pace)
                ]
        return self._found[plan]

    def _part(self, part: QGraph, plans: tuple[NodePlan, ...], elements: int) -> _Part:
        key = plans, elements
        if key not in self._parts:
            self._parts[key] = _Part(compose_part(part, choices(plans), elements))
        return self._parts[key]


def _heads(stage: Stage, engines: tuple[EnginePlan, ...]) -> tuple[tuple[int, NodePlan], ...]:
    """Clocks a frame and plan of every way to build the head alone, the slowest first.

    An engine is built as it is planned.
    """
    if isinstance(stage.node.unit, Part):
        plan = next(plan for plan in engines if plan.sums == stage.node.name)
        units = compose_part(stage.head, choices((plan,)), input_elements(stage.head))
        return ((max(unit.cycles() for unit in units), plan),)
    if isinstance(stage.node.unit, Mac):
        return foldings.of(stage)
    height, width, depth = stage.node.out.shape
    return tuple(
        (height * width * depth // lanes, plan)
        for lanes in divisors(channels(stage.head, stage.node))
        for plan in tails.plans(stage.head, stage.node, lanes, stage.config)
    )


def _is_small(plan: NodePlan) -> bool:
    return isinstance(plan, MacPlan) and plan.pe * plan.simd <= SMALL


def _kind(plan: NodePlan) -> str:
    """The kind of PE at the head of a stage, empty where it has none."""
    return plan.kind if isinstance(plan, MacPlan) else ""


def _taken(stage: Stage, plan: NodePlan) -> int:
    """Elements a beat of the stream that the head of a stage reads best."""
    if isinstance(plan, EnginePlan):
        return input_elements(stage.head)
    if not isinstance(plan, MacPlan):
        return plan.lanes
    mac = stage.node.unit
    assert isinstance(mac, Mac)
    if plan.window == "parallel" and mac.window != Window((1, 1)):
        return stage.head.inputs[0].tensor.shape[2]
    return plan.pe if foldings.is_depthwise(plan) else plan.simd


def _made(stage: Stage, plan: NodePlan) -> int:
    """Elements a beat of the stream that the head of a stage makes."""
    if isinstance(plan, EnginePlan):
        return gcd(stage.node.out.shape[2], plan.columns)
    return plan.pe if isinstance(plan, MacPlan) else plan.lanes


def _pace(stage: Stage, plan: NodePlan) -> int:
    """Clocks between the pixels that the head of a stage makes."""
    if isinstance(plan, EnginePlan):
        assert isinstance(stage.node.unit, Part)
        return engine.pace(stage.node.unit.graph, plan)
    if not isinstance(plan, MacPlan):
        return stage.node.out.shape[2] // plan.lanes
    mac = stage.node.unit
    assert isinstance(mac, Mac)
    pace = foldings.pace(mac, plan, stage.head.inputs[0].tensor.type.bits)
    return pace * mac.window.stride[1] if plan.window == "transposed" else pace


def _undominated(options: list[Option]) -> tuple[Option, ...]:
    """Without those that another one matches or beats in every resource; the fewest LUTs first."""
    kept: list[Option] = []
    for option in sorted(options, key=lambda o: (o.resources.lut, -o.cycles)):
        if not any(_covers(other.resources, option.resources) for other in kept):
            kept.append(option)
    return tuple(kept)


def _covers(one: Resources, other: Resources) -> bool:
    return all(getattr(one, name) <= getattr(other, name) for name in NAMES)
