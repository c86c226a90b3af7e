"""Deep Compression of a float network: pruned, shared and Huffman coded (arXiv:1510.00149)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.coding.sharing import share
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Layer, kernel, with_weights
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.pruning.magnitude import check_left, largest
from shiftloom.codegen.values import Array, FloatArray

MAX_SHARE_BITS = 8


@dataclass(frozen=True, slots=True)
class SharedWeights:
    """Codes of `bits` bits in the shape of the weights: 0 for a zero, k for centroid k − 1."""

    codes: Array
    centroids: Array
    bits: int

    @property
    def real(self) -> npt.NDArray[np.float32]:
        """The weights as float32."""
        values = np.concatenate([np.zeros(1, dtype=np.float32), self.centroids.data])
        real: npt.NDArray[np.float32] = values[self.codes.data]
        return real


@dataclass(frozen=True, slots=True)
class SharedNetwork:
    """Shared weights and biases of layers, by the names of float nodes."""

    weights: Mapping[str, SharedWeights]
    biases: Mapping[str, Array]

    def applied(self, graph: Graph) -> Graph:
        """The graph with these weights and biases; raises ShiftloomError as `Fitted.applied`."""
        real = {name: shared.real for name, shared in self.weights.items()}
        return with_weights(graph, real, self.biases)


def pruned(weights: FloatArray, share: float) -> FloatArray:
    """The weights with the smallest `share` of them, by magnitude, as 0."""
    return weights * largest(np.abs(weights), share)


def shared(weights: FloatArray, bits: int) -> SharedWeights:
    """The weights with at most 2^bits − 1 values that are not 0, besides their zeros."""
    codes = np.zeros(weights.shape, dtype=np.uint16)
    centroids = np.zeros(0, dtype=np.float32)
    if weights.any():
        centroids, places = share(weights[weights != 0], (1 << bits) - 1)
        codes[weights != 0] = places + np.uint16(1)
    return SharedWeights(Array(codes), Array(centroids), bits)


def compress(
    graph: Graph, prune: Callable[[str], float], bits: Callable[[str], float]
) -> SharedNetwork:
    """Every layer with `prune(layer)` of its weights as zeros and 2^bits(layer) values.

    Raises ShiftloomError naming a layer whose share or bits are out of range.
    """
    layers = {node.name: node.op for node in graph.nodes if isinstance(node.op, Layer)}
    weights = {}
    for name, op in layers.items():
        share = prune(name)
        if not 0 <= share < 1:
            raise ShiftloomError(name, f"pruning a share of {share:g}", "use 0 to below 1")
        check_left(name, largest(np.abs(kernel(op)), share), share, "use a smaller share")
        if bits(name) not in range(1, MAX_SHARE_BITS + 1):
            raise ShiftloomError(name, f"{bits(name):g} share bits", f"use 1 to {MAX_SHARE_BITS}")
        weights[name] = shared(pruned(kernel(op), share), int(bits(name)))
    return SharedNetwork(weights, {name: op.bias for name, op in layers.items()})
