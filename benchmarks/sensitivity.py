"""Which measure of damage agrees with accuracy: rank correlations over mixed assignments.

Run as `python benchmarks/sensitivity.py NETWORK [--candidates FILE] [--images N]`. Assignments give
each layer one of the candidates, φ = 1 or 4 by default; all assignments where there are few, else
some at random. The accuracy is that of the golden model on the test images. A correlation of 1
means: the more damage, the less accuracy, without exception. `chosen` is the mean accuracy of what
each measure chooses at 8 budgets of weight bits between the least and the most.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
from _lenet import timed
from scipy.stats import spearmanr

from shiftloom import flow, search
from shiftloom.codegen.mixed import costs
from shiftloom.codegen.mixed.candidates import PHI, load
from shiftloom.search import BYS, Problem, Space, Variant

POINTS = 8


def assignments(layers: int, candidates: int, count: int) -> list[tuple[int, ...]]:
    """Candidates' numbers for every layer."""
    if candidates**layers <= count:
        return list(itertools.product(range(candidates), repeat=layers))
    random = np.random.default_rng(0)
    return [tuple(random.integers(0, candidates, layers).tolist()) for _ in range(count)]


def main() -> None:
    """Print a line a measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--candidates", type=Path)
    parser.add_argument("--images", type=int)
    parser.add_argument("--assignments", type=int, default=32)
    arguments = parser.parse_args()
    name, data = arguments.network, arguments.data
    graph = flow.load_network(name, arguments.checkpoint, data)
    given, classes = flow.calibration_set(name, data)
    chosen_from = load(arguments.candidates) if arguments.candidates else (PHI[0], PHI[2])
    problem = Problem(graph, given, classes, {}, chosen_from, costs.BITS)
    frames, labels = flow.evaluation_set(name, data)
    assert labels is not None
    frames, labels = frames[: arguments.images], labels[: arguments.images]
    known: dict[tuple[str, ...], float] = {}

    def accuracy(variant: Variant) -> float:
        key = tuple(variant.choices.values())
        if key not in known:
            known[key] = flow.integer_accuracy(variant.quantized, frames, labels)
        return known[key]

    picks = assignments(len(problem.layers), len(chosen_from), arguments.assignments)
    with timed("accuracy of all assignments"):
        right = [accuracy(problem.variant(pick)) for pick in picks]
    print(f"{name}: {len(picks)} assignments, {min(right):.2%} to {max(right):.2%}")
    for by in BYS:
        with timed(by):
            space = search.explore(problem, by, lambda done, total: None)
        harm = [_damage(space, pick) for pick in picks]
        chosen = np.mean([accuracy(each.variant) for each in space.along(POINTS)])
        print(f"{by:12} correlation {-spearmanr(harm, right).statistic:.3f}  chosen {chosen:.2%}")


def _damage(space: Space, pick: tuple[int, ...]) -> float:
    return float(space.damages[range(len(pick)), pick].sum())


if __name__ == "__main__":
    main()
