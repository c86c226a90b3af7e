"""Groups: channels that live and die together, found once for every structured criterion.

A filter makes a channel of its layer's result. What follows it without mixing channels is of the
same group, through poolings, tables, concatenations, vectors and shuffles. A sum ties the channels
that it adds; a grouped or depthwise convolution ties all that one of its groups reads and makes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.fitted import Layer
from shiftloom.codegen.graph import Graph, Node
from shiftloom.codegen.ops import Add, Concat, Conv2d, Flatten, Linear, Permute
from shiftloom.codegen.pruning.channels import APART, MOVING
from shiftloom.codegen.pruning.constants import constants
from shiftloom.codegen.pruning.ties import Ties
from shiftloom.codegen.values import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Groups:
    """By the name of a value: the group of each of its channels, and what is left of it.

    `left` is what a channel is once its group is gone: 0, or a constant where an operator between
    makes one of 0. Channels of the groups `fixed` always stay: those of inputs, of outputs, of
    layers to keep, of operators that mix channels, and of layers that cannot take a constant in.
    """

    of: Mapping[str, IntArray]
    left: Mapping[str, FloatArray]
    fixed: frozenset[int]


def groups_in(op: Layer) -> int:
    """Parts that a layer's channels fall in, each computed by itself."""
    return 1 if isinstance(op, Linear) else op.groups


def find(graph: Graph, keep: Collection[str] = ()) -> Groups:
    """The groups of a checked graph; the filters of the layers `keep` stay."""
    ties, shapes = Ties(), graph.shapes()
    names = {source.name: ties.fresh(source.shape[2]) for source in graph.inputs}
    for node in graph.nodes:
        sources = [names[name] for name in node.sources]
        names[node.name] = _made(ties, node, sources, shapes[node.name][2])
    of = {name: ties.resolved(some) for name, some in names.items()}
    left = constants(graph)
    fixed = np.concatenate([*_fixed(graph, keep, of), *_stuck(graph, of, left)])
    return Groups(of, left, frozenset(fixed.tolist()))


def _made(ties: Ties, node: Node, sources: list[IntArray], channels: int) -> IntArray:
    """Names of the channels that a node makes."""
    op = node.op
    if isinstance(op, Layer):
        return _filters(ties, op, sources[0])
    if isinstance(op, Concat):
        return np.concatenate(sources)
    if isinstance(op, Permute):
        return sources[0][list(op.order)]
    if isinstance(op, Flatten):
        return np.tile(sources[0], channels // len(sources[0]))
    if isinstance(op, Add):
        ties.tie(*sources)
    return sources[0] if isinstance(op, (Add, *APART)) else ties.fresh(channels)


def _filters(ties: Ties, op: Layer, source: IntArray) -> IntArray:
    """Names of the filters of a layer; those of a grouped one go with what they read."""
    filters, parts = len(op.bias.data), groups_in(op)
    if parts == 1:
        return ties.fresh(filters)
    first = source[:: len(source) // parts]
    ties.tie(source, np.repeat(first, len(source) // parts))
    return np.repeat(first, filters // parts)


def _fixed(graph: Graph, keep: Collection[str], of: Mapping[str, IntArray]) -> Iterator[IntArray]:
    """Groups that stay because of where they are."""
    for name in (*(source.name for source in graph.inputs), *graph.outputs, *keep):
        yield of[name]
    for node in graph.nodes:
        if not isinstance(node.op, (*APART, *MOVING, Layer)):
            yield from (of[name] for name in (*node.sources, node.name))


def _stuck(
    graph: Graph, of: Mapping[str, IntArray], left: Mapping[str, FloatArray]
) -> Iterator[IntArray]:
    """Groups of which something is left that a layer that reads it cannot take into its bias."""
    for node in graph.nodes:
        if isinstance(node.op, Layer) and groups_in(node.op) == 1:
            constant = left[node.sources[0]]
            free = np.isfinite(constant) if takes_in(node.op) else constant == 0
            yield of[node.sources[0]][~free]


def takes_in(op: Layer) -> bool:
    """Whether a constant channel adds the same to every pixel of a layer's result."""
    if isinstance(op, Conv2d):
        return not any((*op.window.padding, *op.window.end))
    return isinstance(op, Linear)
