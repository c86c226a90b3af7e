"""Graph passes before quantization: affine maps into their layers, shifts, softmax to the host."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph, Node
from shiftloom.codegen.ops.affine import Affine
from shiftloom.codegen.ops.conv import Conv2d
from shiftloom.codegen.ops.conv_transpose import ConvTranspose2d
from shiftloom.codegen.ops.linear import Linear
from shiftloom.codegen.ops.shift import Shift
from shiftloom.codegen.ops.softmax import Softmax
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window

Layer = Conv2d | ConvTranspose2d | Linear


def _folded(op: Layer, norm: Affine) -> Layer:
    scale = norm.scale.data
    weights = op.weights.data * scale.reshape(-1, *(1,) * (op.weights.data.ndim - 1))
    bias = op.bias.data * scale + norm.shift.data
    kind = op.weights.data.dtype
    return replace(op, weights=Array(weights.astype(kind)), bias=Array(bias.astype(kind)))


def fold_affines(graph: Graph) -> Graph:
    """Fold each Affine into the layer it follows, if none else reads that layer.

    Layers whose integer weights are given stay as they are, and so do the maps behind them.
    """
    readers = Counter((*(s for node in graph.nodes for s in node.sources), *graph.outputs))
    nodes: dict[str, Node] = {}
    renamed: dict[str, str] = {}
    for node in graph.nodes:
        sources = tuple(renamed.get(name, name) for name in node.sources)
        before = nodes.get(sources[0])
        if (
            isinstance(node.op, Affine)
            and before is not None
            and isinstance(before.op, Layer)
            and before.op.given is None
            and readers[node.sources[0]] == 1
        ):
            nodes[before.name] = replace(before, op=_folded(before.op, node.op))
            renamed[node.name] = before.name
        else:
            nodes[node.name] = replace(node, sources=sources)
    outputs = tuple(renamed.get(name, name) for name in graph.outputs)
    return replace(graph, nodes=tuple(nodes.values()), outputs=outputs)


def find_shifts(graph: Graph) -> Graph:
    """Make a Shift of each depthwise convolution whose kernels hold a single 1, without a bias.

    So its weights are no numbers to be quantized, and no α meets them.
    """
    nodes = (
        replace(node, op=_shift(node.op) or node.op) if isinstance(node.op, Conv2d) else node
        for node in graph.nodes
    )
    return replace(graph, nodes=tuple(nodes))


def _shift(op: Conv2d) -> Shift | None:
    """The shift that the convolution is, or None."""
    kernels, window = op.weights.data, op.window
    channels, height, width, inside = kernels.shape
    middle = (height // 2, width // 2)
    keeps_size = Window((height, width), padding=middle) == replace(window, end_padding=None)
    if (
        (op.groups, inside) != (channels, 1)
        or op.given is not None
        or window.end != window.padding
        or not keeps_size
        or height % 2 + width % 2 != 2
        or op.bias.data.any()
        or not (np.sort(kernels.reshape(channels, -1)) == np.eye(1, height * width)[:, ::-1]).all()
    ):
        return None
    _, rows, columns, _ = np.nonzero(kernels)
    places = zip(rows.tolist(), columns.tolist(), strict=True)
    return Shift(tuple((row - middle[0], column - middle[1]) for row, column in places))


def drop_softmax(graph: Graph) -> Graph:
    """Remove every Softmax at the network's end; refuse the others by name.

    Softmax keeps the order of the logits; a host that needs the probabilities computes them.
    """
    dropped = {n.name: n.sources[0] for n in graph.nodes if isinstance(n.op, Softmax)}
    for node in graph.nodes:
        for name in node.sources:
            if name in dropped:
                raise ShiftloomError(
                    name, f"a Softmax that {node.name!r} reads", "only the last layer may be one"
                )
    nodes = tuple(node for node in graph.nodes if node.name not in dropped)
    outputs = tuple(dropped.get(name, name) for name in graph.outputs)
    return replace(graph, nodes=nodes, outputs=outputs)
