"""Cross-layer equalization: channels of joined layers get equal ranges, the function stays.

A channel between two layers may be divided by any s > 0 if the next layer's weights for it are
multiplied by s, since what lies between, such as ReLU, has f(s·x) = s·f(x). With the largest
magnitudes r₁ of the channel's weights in the first layer and r₂ in the second, s = √(r₁r₂) / r₂
makes both √(r₁r₂) (Nagel et al., arXiv:1906.04721, eq. 8 to 11).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Layer
from shiftloom.codegen.graph import Graph, Node
from shiftloom.codegen.ops import AvgPool2d, Flatten, LeakyRelu, MaxPool2d, PRelu, Relu
from shiftloom.codegen.quantizers.fixed_point import MAX_BITS
from shiftloom.codegen.values import Array

Reals = npt.NDArray[np.float64]
Pair = tuple[str, str]

HOMOGENEOUS = (Relu, LeakyRelu, PRelu, MaxPool2d, AvgPool2d, Flatten)
"""Operators with f(s·x) = s·f(x) for every s > 0, a channel each."""
FAINT = 2.0**-MAX_BITS
"""Ranges below this part of a layer's largest are no more than 0 with the widest mantissas of α.

A factor that made them even would blow up the channel's bias, or what the next layer reads.
"""
_ROUNDS = 100
_SETTLED = 1e-3
"""Equal enough: no factor of a round differs more from 1."""


def equalized(graph: Graph, is_ours: Callable[[Node], bool]) -> Graph:
    """The same float function up to rounding, with ranges equalized between layers that are ours.

    A pair of layers is joined by `HOMOGENEOUS` operators or none. Values that several nodes read,
    and outputs of the network, keep their scale; so do channels whose range in either layer is
    below `FAINT` of the largest. Raises ShiftloomError where the network has no such pair.
    """
    layers = {node.name: node.op for node in graph.nodes if isinstance(node.op, Layer)}
    pairs = tuple(_pairs(graph, is_ours))
    if not pairs:
        known = ", ".join(kind.__name__ for kind in HOMOGENEOUS)
        raise ShiftloomError(
            "repair.equalize",
            f"no two layers of {graph.name!r} are joined by {known} or nothing",
            "leave it out; imported quantizers and values read twice stand between",
        )
    weights = {name: op.weights.data.astype(np.float64) for name, op in layers.items()}
    biases = {name: op.bias.data.astype(np.float64) for name, op in layers.items()}
    joints = []
    for first, second in pairs:
        groups, channels = getattr(layers[second], "groups", 1), len(biases[first])
        written = weights[first].reshape(channels, -1)
        read = _by_input(weights[second], channels, groups)
        joints.append((written, biases[first], read, _alive(*_ranges(written, read))))
    for _ in range(_ROUNDS):
        moved = 0.0
        for written, bias, read, alive in joints:
            one, other = _ranges(written, read)
            scale = np.ones(len(one))
            scale[alive] = np.sqrt(one[alive] / other[alive])
            np.divide(written, scale[:, None], out=written)
            np.divide(bias, scale, out=bias)
            np.multiply(read, scale.reshape(len(read), 1, 1, -1), out=read)
            moved = max(moved, float(np.abs(scale - 1).max()))
        if moved < _SETTLED:
            break
    changed = {name for pair in pairs for name in pair}
    nodes = tuple(
        _changed(node, weights[node.name], biases[node.name]) if node.name in changed else node
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes)


def _by_input(weights: Reals, channels: int, groups: int) -> Reals:
    """A view of a layer's weights as [groups, outputs, taps, inputs of a group]."""
    return weights.reshape(groups, len(weights) // groups, -1, channels // groups)


def _ranges(written: Reals, read: Reals) -> tuple[Reals, Reals]:
    """The largest magnitude of each channel's weights in the first layer and in the second."""
    return np.abs(written).max(axis=1), np.abs(read).max(axis=(1, 2)).ravel()


def _alive(first: Reals, second: Reals) -> npt.NDArray[np.bool_]:
    """Whether neither range of a channel is faint."""
    return np.asarray((first > FAINT * first.max()) & (second > FAINT * second.max()))


def _changed(node: Node, weights: Reals, bias: Reals) -> Node:
    op = node.op
    assert isinstance(op, Layer)
    made = (Array(a.astype(b.data.dtype)) for a, b in ((weights, op.weights), (bias, op.bias)))
    scaled, shifted = made
    return replace(node, op=replace(op, weights=scaled, bias=shifted, given=None))


def _pairs(graph: Graph, is_ours: Callable[[Node], bool]) -> Iterator[Pair]:
    """Layers whose output only the other one reads, through homogeneous operators or none."""
    count = Counter((*(s for node in graph.nodes for s in node.sources), *graph.outputs))
    nodes = {node.name: node for node in graph.nodes}
    for second in graph.nodes:
        if not isinstance(second.op, Layer) or not is_ours(second):
            continue
        between: list[Node] = []
        source = nodes.get(second.sources[0])
        while source is not None and isinstance(source.op, HOMOGENEOUS):
            between.append(source)
            source = nodes.get(source.sources[0])
        if source is None or not isinstance(source.op, Layer) or not is_ours(source):
            continue
        flat = any(isinstance(node.op, Flatten) for node in between)
        grouped = getattr(second.op, "groups", 1) > 1
        if all(count[node.name] == 1 for node in (*between, source)) and not (flat and grouped):
            yield source.name, second.name
