"""One option for each stage, so that the resources are used in proportion to their limits.

The problem: minimise the largest share max_r Σ_s cost_r(s) / limit_r. Each resource gets a price;
at given prices every stage takes its cheapest option by itself, and prices rise where the sum uses
most of its limit (multiplicative weights on the Lagrangian dual). A descent by single exchanges
then takes out what is left of the rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.cost import Resources

ROUNDS = 60
"""Adaptations of the prices."""
RATE = 1.0
"""First change of a price's logarithm for a share that is all above the mean; it falls as 1/√n."""
FLOOR = 0.02
"""Least price of a resource: nothing is wasted where it is not scarce."""
OTHERS = 0.003
"""Weight of the sum of all shares beside the largest."""

Floats = npt.NDArray[np.float64]
NAMES = ("lut", "ff", "dsp", "bram36")


@dataclass(frozen=True, slots=True)
class Allocation:
    """The chosen option of each stage by its index, and the share of its limit that each uses."""

    picks: tuple[int, ...]
    shares: Resources

    @property
    def peak(self) -> float:
        """Share of the scarcest resource; the allocation fits up to 1."""
        return max(float(getattr(self.shares, name)) for name in NAMES)


def allocate(stages: Sequence[Sequence[Resources]], limits: Resources) -> Allocation:
    """The best found pick of one option a stage; resources of limit 0 are used where unavoidable.

    Every stage has at least one option. The result depends on nothing but the arguments.
    """
    tables = [_shares(options, limits) for options in stages]
    prices = np.full(len(NAMES), 1 / len(NAMES))
    best: tuple[int, ...] | None = None
    for round_ in range(1, ROUNDS + 1):
        picks = tuple(int(np.argmin(table @ prices)) for table in tables)
        used = _sum(tables, picks)
        if best is None or _rank(used) < _rank(_sum(tables, best)):
            best = picks
        prices = prices * np.exp(RATE / round_**0.5 * (used - used.mean()) / max(used.max(), 1e-9))
        prices = np.maximum(prices / prices.sum(), FLOOR)
    assert best is not None
    best = _descend(tables, best)
    return Allocation(best, Resources(*_sum(tables, best).tolist()))


def _shares(options: Sequence[Resources], limits: Resources) -> Floats:
    """Each option's part of the limits, [options, resources]; a limit of 0 counts as a tiny one."""
    cells = np.array([[getattr(o, name) for name in NAMES] for o in options], dtype=np.float64)
    bound = np.array([getattr(limits, name) for name in NAMES], dtype=np.float64)
    return cells / np.maximum(bound, 1e-3)


def _sum(tables: Sequence[Floats], picks: Sequence[int]) -> Floats:
    total: Floats = sum(
        (table[pick] for table, pick in zip(tables, picks, strict=True)), np.zeros(len(NAMES))
    )
    return total


def _rank(used: Floats) -> float:
    """What is minimised: the largest share, and a little of the others."""
    return float(used.max() + OTHERS * used.sum())


def _descend(tables: Sequence[Floats], picks: tuple[int, ...]) -> tuple[int, ...]:
    """Exchange single options as long as that lowers the rank."""
    current = list(picks)
    used = _sum(tables, current)
    improved = True
    while improved:
        improved = False
        for stage, table in enumerate(tables):
            trial = used - table[current[stage]] + table
            ranks = trial.max(axis=1) + OTHERS * trial.sum(axis=1)
            pick = int(np.argmin(ranks))
            if ranks[pick] < _rank(used) - 1e-12:
                used, current[stage], improved = trial[pick], pick, True
    return tuple(current)
