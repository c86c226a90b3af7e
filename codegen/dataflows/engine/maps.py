"""Words of the maps: values whose lifetimes do not meet share their place.

The input has a place of its own, because the next frame comes while this one is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.dataflows.engine.operations import FeatureMap, Operations


@dataclass(frozen=True, slots=True)
class Life:
    """The first and the last operation during which a map holds something."""

    first: int
    last: int

    def meets(self, other: Life) -> bool:
        """Whether both are needed at a time."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class Places:
    """The first unit of memory of every map, and how many units there are."""

    start: Mapping[str, int]
    size: int


def lives(operations: Operations) -> dict[str, Life]:
    """The life of every map but the input."""
    found: dict[str, Life] = {}
    for index, op in enumerate(operations.ops):
        used = [*op.reads, *([op.target.map] if op.target else [])]
        for name in used:
            first = found[name].first if name in found else index
            found[name] = Life(first, index)
    found.pop(operations.source.name, None)
    return found


def allocate(operations: Operations, unit: int, first: int) -> Places:
    """Places of all maps but the input from `first` on, in multiples of `unit` words.

    The largest ones are placed first, each at the lowest free place (Pisarchyk and Lee 2020,
    greedy by size).
    """
    alive = lives(operations)
    start: dict[str, int] = {}
    maps = {each.name: each for each in operations.maps}
    order = sorted(alive, key=lambda name: (-maps[name].words, alive[name].first, name))
    for name in order:
        taken = [maps[other] for other in start if alive[other].meets(alive[name])]
        start[name] = _lowest(maps[name], taken, start, unit, first)
    ends = [start[name] + _units(maps[name], unit) for name in order]
    return Places(start, max(ends, default=first))


def _lowest(
    wanted: FeatureMap, taken: list[FeatureMap], start: Mapping[str, int], unit: int, first: int
) -> int:
    """The lowest gap between the places that are taken."""
    place = first
    for other in sorted(taken, key=lambda other: start[other.name]):
        if place + _units(wanted, unit) <= start[other.name]:
            break
        place = max(place, start[other.name] + _units(other, unit))
    return place


def _units(each: FeatureMap, unit: int) -> int:
    return -(-each.words // unit) * unit
