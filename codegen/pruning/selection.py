"""Which groups go: the share with the lowest scores, as far as enough channels stay everywhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from shiftloom.codegen.config import PruningConfig
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Layer
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.pruning.groups import Groups


def chosen(
    graph: Graph, groups: Groups, scores: Mapping[int, float], config: PruningConfig
) -> frozenset[int]:
    """The groups to remove; raises ShiftloomError where that would be none.

    A group that would leave less than the minimum of any value's channels is passed over.
    """
    layers = [node.name for node in graph.nodes if isinstance(node.op, Layer)]
    families = _families(groups, layers)
    if not families:
        raise ShiftloomError(
            graph.name,
            "no channel can be removed",
            "those of inputs, outputs and kept layers stay; use method: magnitude",
        )
    if config.scope == "global":
        families = [frozenset[int]().union(*families)]
    room = _Room(groups, scores, config.minimum)
    for family in families:
        room.take(family, round(config.share * len(family)))
    room.round_up(layers, config.multiple)
    if config.share and not room.gone:
        raise ShiftloomError(
            graph.name,
            f"a share of {config.share:g} removes no channel",
            "use a larger share, or a smaller minimum or multiple",
        )
    return frozenset(room.gone)


def _families(groups: Groups, layers: Iterable[str]) -> list[frozenset[int]]:
    """Groups that may go, together with all others in the layers that they are in."""
    families: list[frozenset[int]] = []
    for name in layers:
        free = frozenset(groups.of[name].tolist()) - groups.fixed
        joined = free.union(*(family for family in families if family & free))
        families = [family for family in families if not family & free]
        families += [joined] if joined else []
    return families


class _Room:
    """Channels that each value has, and the groups that are gone so far."""

    def __init__(self, groups: Groups, scores: Mapping[int, float], minimum: int) -> None:
        self.gone: set[int] = set()
        self._of = groups.of
        self._scores = scores
        self._left = {name: len(of) for name, of in groups.of.items()}
        self._least = {name: min(minimum, len(of)) for name, of in groups.of.items()}
        self._uses: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for name, of in groups.of.items():
            found, counts = np.unique(of, return_counts=True)
            for group, count in zip(found.tolist(), counts.tolist(), strict=True):
                self._uses[group].append((name, count))

    def take(self, family: Iterable[int], wanted: int) -> None:
        """Remove the `wanted` groups of the lowest scores, or as many as there is room for."""
        for group in sorted(family, key=self._rank):
            uses = self._uses[group]
            if wanted and all(self._left[name] - n >= self._least[name] for name, n in uses):
                self._count(group, -1)
                self.gone.add(group)
                wanted -= 1

    def round_up(self, layers: Iterable[str], multiple: int) -> None:
        """Bring back the best groups until every layer has all filters, or a multiple of them."""
        while odd := next((name for name in layers if self._is_odd(name, multiple)), None):
            best = max(self.gone.intersection(self._of[odd].tolist()), key=self._rank)
            self._count(best, 1)
            self.gone.remove(best)

    def _is_odd(self, name: str, multiple: int) -> bool:
        return self._left[name] % multiple != 0 and self._left[name] < len(self._of[name])

    def _count(self, group: int, sign: int) -> None:
        for name, count in self._uses[group]:
            self._left[name] += sign * count

    def _rank(self, group: int) -> tuple[float, int]:
        return self._scores[group], group
