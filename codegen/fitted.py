"""What quantization has decided for a network: codes, biases and ranges, before any integer unit.

The calibration, the reconstruction and the training all end in this value; lowering starts from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.graph import Graph, Node, check
from shiftloom.codegen.ops import Conv2d, ConvTranspose2d, Linear
from shiftloom.codegen.ops.conv_transpose import turned
from shiftloom.codegen.values import Array, FloatArray


@dataclass(frozen=True, slots=True)
class Range:
    """The real value of an activation's largest integer, or of a sign; whether it has a sign."""

    top: float
    signed: bool


Layer = Conv2d | ConvTranspose2d | Linear
"""Operators with trained weights."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """By the names of float nodes: weights and biases of layers, ranges of activations.

    What is not there is left to the configuration and the calibration.
    """

    weights: Mapping[str, QuantizedWeights] = field(default_factory=dict)
    biases: Mapping[str, Array] = field(default_factory=dict)
    ranges: Mapping[str, Range] = field(default_factory=dict)

    def applied(self, graph: Graph, resized: bool = False) -> Graph:
        """The graph with these weights, as real numbers, and biases.

        Raises ShiftloomError naming a layer that the graph lacks, or that has another shape; with
        `resized` the layers may have fewer channels, as pruning leaves them.
        """
        real = {name: codes.real for name, codes in self.weights.items()}
        return with_weights(graph, real, self.biases, resized)


def with_weights(
    graph: Graph,
    weights: Mapping[str, FloatArray],
    biases: Mapping[str, Array],
    resized: bool = False,
) -> Graph:
    """The graph with other weights [C_out, KH, KW, C_in / groups] and biases, by layer.

    Raises ShiftloomError naming a layer that the graph lacks, or that has another shape; with
    `resized` the channels may be others, and the graph is checked.
    """
    layers = {node.name for node in graph.nodes if isinstance(node.op, Layer)}
    for name in (*weights, *biases):
        if name not in layers:
            raise ShiftloomError(name, "is no layer of the network", "it is of another network")
    made = replace(
        graph,
        nodes=tuple(
            _replaced(node, weights.get(node.name), biases.get(node.name), resized)
            if node.name in layers
            else node
            for node in graph.nodes
        ),
    )
    return check(made) if resized else made


def _replaced(node: Node, weights: FloatArray | None, bias: Array | None, resized: bool) -> Node:
    op = node.op
    assert isinstance(op, Layer)
    if weights is not None:
        shape = kernel(op).shape
        if weights.shape != shape and not (resized and weights.shape[1:3] == shape[1:3]):
            raise ShiftloomError(
                node.name,
                f"weights of shape {weights.shape}, expected {shape}",
                "they are of another network",
            )
        if not isinstance(op, Linear) and op.groups == shape[0]:  # depthwise: a group a channel
            op = replace(op, groups=len(weights))
        op = with_kernel(op, weights)
    if bias is not None:
        if bias.data.shape != (len(op.weights.data),):
            raise ShiftloomError(
                node.name,
                f"{bias.data.size} biases, expected {len(op.weights.data)}",
                "they are of another network",
            )
        op = replace(op, bias=bias)
    return replace(node, op=op)


def kernel(op: Layer) -> npt.NDArray[np.floating]:
    """A layer's weights [C_out, KH, KW, C_in / groups] as its matrix unit reads them."""
    weights = op.weights.data
    if isinstance(op, ConvTranspose2d):
        return turned(weights)
    return weights[:, None, None, :] if isinstance(op, Linear) else weights


def with_kernel(op: Layer, kernel: npt.NDArray[np.floating]) -> Layer:
    """The layer with other real weights, which lie as those of `kernel`."""
    weights = turned(kernel) if isinstance(op, ConvTranspose2d) else kernel
    if isinstance(op, Linear):
        weights = weights.reshape(len(weights), -1)
    return replace(op, weights=Array(weights.astype(op.weights.data.dtype)), given=None)
