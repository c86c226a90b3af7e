"""Channels really removed: a graph of smaller layers that computes what was left of the old one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.fitted import Layer, kernel
from shiftloom.codegen.formats.given import GivenWeights
from shiftloom.codegen.graph import Graph, Node, Op, check
from shiftloom.codegen.ops import Affine, Linear, Permute, PRelu, Product, Shift
from shiftloom.codegen.pruning.groups import Groups, groups_in
from shiftloom.codegen.values import Array

Mask = npt.NDArray[np.bool_]


def shrunk(graph: Graph, groups: Groups, gone: Collection[int]) -> Graph:
    """The checked graph without the channels of the groups `gone`, of which none is fixed.

    It equals the graph whose filters of these groups have weights and biases of 0: what is left of
    their channels goes into the biases of the layers that read them.
    """
    removed = np.array(sorted(gone), dtype=np.int64)
    stay = {name: ~np.isin(of, removed) for name, of in groups.of.items()}
    nodes = tuple(replace(node, op=_shrunk(node, stay, groups)) for node in graph.nodes)
    return check(replace(graph, nodes=nodes))


def _shrunk(node: Node, stay: Mapping[str, Mask], groups: Groups) -> Op:
    source = node.sources[0]
    if not isinstance(node.op, Layer):
        return _sliced(node.op, stay[source], stay[node.name])
    if groups_in(node.op) > 1:
        return _parts(node.op, stay[source], stay[node.name])
    left = np.where(stay[source], 0.0, groups.left[source])
    return _layer(node.op, stay[source], stay[node.name], left)


def _sliced(op: Op, read: Mask, made: Mask) -> Op:
    """An operator without weights for the channels that stay of its input and of its result."""
    if isinstance(op, Affine):
        return Affine(_channels(op.scale, read), _channels(op.shift, read))
    if isinstance(op, PRelu):
        return PRelu(_channels(op.slope, read))
    if isinstance(op, Shift):
        return Shift(tuple(o for o, kept in zip(op.offsets, read, strict=True) if kept))
    if isinstance(op, Permute):
        place = np.cumsum(read) - 1
        order = np.array(op.order)[made]
        return Permute(tuple(place[order].tolist()))
    if isinstance(op, Product):
        first, second = (
            tuple(_sliced(part, read, made) for part in chain) for chain in (op.first, op.second)
        )
        return Product(first, second)
    return op


def _channels(values: Array, stay: Mask) -> Array:
    """One value a channel for those that stay; a single one is for all."""
    return values if values.data.size == 1 else Array(values.data[stay])


def _layer(op: Layer, read: Mask, made: Mask, left: npt.NDArray[Any]) -> Layer:
    """A layer without groups; `left` is what is left of each input channel that is gone."""
    bias = op.bias.data + kernel(op).sum(axis=(1, 2), dtype=np.float64) @ left
    shifted = Array(bias.astype(op.bias.data.dtype)[made])
    weights = Array(op.weights.data[made][..., read])
    return replace(op, weights=weights, bias=shifted, given=_given(op.given, made, read))


def _parts(op: Layer, read: Mask, made: Mask) -> Layer:
    """A grouped layer without some of its groups."""
    assert not isinstance(op, Linear)
    weights, bias = Array(op.weights.data[made]), Array(op.bias.data[made])
    every = np.ones(weights.data.shape[-1], dtype=np.bool_)
    groups = int(read.sum()) // len(every)
    given = _given(op.given, made, every)
    return replace(op, weights=weights, bias=bias, groups=groups, given=given)


def _given(given: GivenWeights | None, made: Mask, read: Mask) -> GivenWeights | None:
    if given is None:
        return None
    values = Array(given.values.data[made][..., read])
    return replace(given, values=values, scale=_channels(given.scale, made))
