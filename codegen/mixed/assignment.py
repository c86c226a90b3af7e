"""The best candidate of every layer within a budget: a multiple-choice knapsack, solved exactly.

Layer by layer, every undominated choice for the layers so far is extended by every candidate of the
next, and of the sums only those stay that no other one matches in cost and damage (Nemhauser and
Ullmann, 1969). What is left at the end answers every budget.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Assignment:
    """A candidate's number for every layer, and the sums of their costs and damages."""

    picks: tuple[int, ...]
    cost: float
    damage: float


class Front:
    """All undominated assignments, from `costs` and `damages` [layers, candidates]."""

    def __init__(self, costs: Reals, damages: Reals) -> None:
        self._steps: list[tuple[Indices, Indices]] = []  # where each came from, and what it picked
        cost, damage = np.zeros(1), np.zeros(1)
        for prices, harms in zip(costs, damages, strict=True):
            sums = np.add.outer(cost, prices).ravel()
            harm = np.add.outer(damage, harms).ravel()
            kept = _undominated(sums, harm)
            self._steps.append((kept // len(prices), kept % len(prices)))
            cost, damage = sums[kept], harm[kept]
        self._cost, self._damage = cost, damage

    def __len__(self) -> int:
        return len(self._cost)

    @property
    def least(self) -> float:
        """The cost of the cheapest assignment."""
        return float(self._cost[0])

    @property
    def most(self) -> float:
        """The cost of the assignment of least damage, the cheapest of these."""
        return float(self._cost[-1])

    def within(self, budget: float) -> Assignment | None:
        """The assignment of least damage that costs at most `budget`; None where there is none."""
        index = int(np.searchsorted(self._cost, budget, side="right")) - 1
        return None if index < 0 else self._assignment(index)

    def _assignment(self, index: int) -> Assignment:
        cost, damage = float(self._cost[index]), float(self._damage[index])
        picks: list[int] = []
        for parents, chosen in reversed(self._steps):
            picks.append(int(chosen[index]))
            index = int(parents[index])
        return Assignment(tuple(reversed(picks)), cost, damage)


def _undominated(costs: Reals, damages: Reals) -> Indices:
    """Indices by rising cost, each of less damage than all before it."""
    order = np.lexsort((damages, costs))
    least = np.minimum.accumulate(damages[order])
    kept: Indices = order[np.concatenate([[True], damages[order][1:] < least[:-1]])]
    return kept
