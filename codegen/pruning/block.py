"""block: weights leave in blocks of input × output channels of one tap.

This is the structured sparsity of Cambricon-S (Zhou et al., MICRO 2018): what is 0 has the shape of
what an engine's array multiplies in one step, so that the step is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Layer
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.ops import Flatten
from shiftloom.codegen.pruning.groups import groups_in
from shiftloom.codegen.pruning.magnitude import largest
from shiftloom.codegen.pruning.zeros import layers
from shiftloom.codegen.values import Array, IntArray

Size = tuple[int, int]
"""Input and output channels of a block."""


def masks(
    graph: Graph, free: Mapping[str, Layer], size: Size, share: float, scope: str
) -> dict[str, Array]:
    """What stays of the layers `free` where a `share` of all blocks, or of each layer's, leaves.

    Those with the smallest mean magnitude leave; of equal ones the first. Raises ShiftloomError
    naming a layer that nothing is left of.
    """
    found = {name: blocks(graph, name, size) for name in free}
    sizes = {name: _means(np.abs(op.weights.data), found[name]) for name, op in free.items()}
    if scope == "layer":
        kept = {name: largest(means, share) for name, means in sizes.items()}
    else:
        flat = largest(np.concatenate(list(sizes.values())), share)
        ends = np.cumsum([len(means) for means in sizes.values()])[:-1]
        kept = dict(zip(sizes, np.split(flat, ends), strict=True))
    for name, stay in kept.items():
        _check_left(name, stay, share)
    return {name: Array(kept[name][found[name]]) for name in free}


def zero_blocks(graph: Graph, name: str, size: Size) -> Size:
    """How many blocks of a layer hold nothing but 0, and how many there are."""
    found = blocks(graph, name, size)
    means = _means(np.abs(layers(graph)[name].weights.data), found)
    return int((means == 0).sum()), len(means)


def blocks(graph: Graph, name: str, size: Size) -> IntArray:
    """The block of each weight of a layer, in the shape of its weights, counted from 0.

    Blocks begin at the first channels; the last ones hold what is left. Channels are those of the
    feature map: a group of a grouped layer is not moved to the begin of a block, and a vector made
    by a Flatten has the taps and the channels of the map it was made of.
    """
    op = layers(graph)[name]
    shape = op.weights.data.shape
    index = np.indices(shape, dtype=np.int64)
    outputs, inputs = index[0], index[-1]
    pixel = _pixel(graph, name)
    tap = inputs // pixel
    for place, length in zip(index[1:-1], shape[1:-1], strict=True):
        tap = tap * length + place
    groups = groups_in(op)
    inputs = inputs % pixel + outputs // (shape[0] // groups) * shape[-1]
    rows, columns = outputs // size[1], inputs // size[0]
    keys = (rows * (tap.max() + 1) + tap) * (columns.max() + 1) + columns
    return np.unique(keys, return_inverse=True)[1].reshape(shape).astype(np.int64)


def _pixel(graph: Graph, name: str) -> int:
    """Channels of a pixel of the map that a layer reads, in front of a Flatten if there is one."""
    nodes, shapes = {node.name: node for node in graph.nodes}, graph.shapes()
    source = nodes[name].sources[0]
    while source in nodes and isinstance(nodes[source].op, Flatten):
        (source,) = nodes[source].sources
    return shapes[source][2]


def _means(size: npt.NDArray[np.floating], found: IntArray) -> npt.NDArray[np.float64]:
    """The mean over the weights of each block."""
    flat = found.ravel()
    return np.bincount(flat, size.ravel()) / np.bincount(flat)


def _check_left(name: str, stay: npt.NDArray[np.bool_], share: float) -> None:
    if not stay.any():
        raise ShiftloomError(
            name,
            f"none of its {len(stay)} blocks stays at a share of {share:g}",
            "use a smaller share or smaller blocks, or name it in pruning.keep",
        )
