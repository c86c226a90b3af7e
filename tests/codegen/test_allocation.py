"""The allocation uses the resources in proportion, near the best that enumeration finds."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows.streaming.allocation import NAMES, allocate

LIMITS = Resources(40_000, 80_000, 200, 100)


def peak(used: Resources, limits: Resources = LIMITS) -> float:
    """Largest share of a sum."""
    return max(getattr(used, name) / getattr(limits, name) for name in NAMES)


def random_stages(seed: int, stages: int, options: int) -> list[list[Resources]]:
    """Stages whose options trade LUTs for DSPs and block RAMs."""
    random = np.random.default_rng(seed)
    result = []
    for _ in range(stages):
        work = random.uniform(500, 8000)
        rows = []
        for _ in range(options):
            share, memory = random.uniform(0, 1, 2)
            lut = work * (1.2 - share) + 100 * (1 - memory)
            rows.append(Resources(lut, lut, round(share * work / 80), round(memory * 6)))
        result.append(rows)
    return result


@pytest.mark.parametrize("seed", range(12))
def test_close_to_the_best_of_all(seed: int) -> None:
    stages = random_stages(seed, 5, 5)
    best = min(peak(sum(picked, Resources())) for picked in product(*stages))
    found = allocate(stages, LIMITS)
    picked = [options[pick] for options, pick in zip(stages, found.picks, strict=True)]
    assert found.peak == pytest.approx(peak(sum(picked, Resources())))
    assert found.peak <= 1.06 * best


def test_one_stage_takes_its_smallest_share() -> None:
    options = [Resources(4000, 0, 0, 0), Resources(400, 0, 10, 0), Resources(40, 0, 40, 0)]
    assert allocate([options], LIMITS).picks == (1,)


def test_scarce_resources_are_left_to_others() -> None:
    options = [Resources(2000, 0, 0, 0), Resources(400, 0, 20, 0)]
    assert set(allocate([options] * 6, LIMITS).picks) == {0, 1}
    assert set(allocate([options] * 6, Resources(40_000, 80_000, 0, 100)).picks) == {0}


def test_unavoidable_use_of_a_forbidden_resource_shows_in_the_peak() -> None:
    found = allocate([[Resources(100, 0, 1, 0)]], Resources(40_000, 80_000, 0, 100))
    assert found.peak > 1


def test_equal_arguments_give_equal_picks() -> None:
    stages = random_stages(3, 30, 12)
    assert allocate(stages, LIMITS) == allocate(stages, LIMITS)
