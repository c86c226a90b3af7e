"""The structured criteria: what a layer says of the channels that it makes and reads.

To add one, write a file with its function and a line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.fitted import Layer
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.pruning import channel, filter_fpgm, filter_l1
from shiftloom.codegen.pruning.groups import Groups, groups_in

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Criterion:
    """`made` scores the channels that a layer makes, `read` those that it reads, if at all."""

    made: Callable[[Layer], Reals]
    read: Callable[[Layer], Reals] | None = None


CRITERIA = {
    "filter_l1": Criterion(filter_l1.scores),
    "filter_fpgm": Criterion(filter_fpgm.scores),
    "channel": Criterion(filter_l1.scores, channel.read_scores),
}


def scores(graph: Graph, groups: Groups, criterion: Criterion) -> dict[int, float]:
    """The score of every group with a filter: the sum over its channels, the lowest go first.

    Those of a layer are in units of their mean, so that layers of any size compare.
    """
    found: dict[int, float] = {}

    def add(of: npt.NDArray[np.int64], values: Reals) -> None:
        mean = float(values.mean()) or 1.0
        for group, value in zip(of.tolist(), (values / mean).tolist(), strict=True):
            found[group] = found.get(group, 0.0) + value

    for node in graph.nodes:
        if isinstance(node.op, Layer):
            add(groups.of[node.name], criterion.made(node.op))
            if criterion.read and groups_in(node.op) == 1:
                add(groups.of[node.sources[0]], criterion.read(node.op))
    return found
