"""BatchNorm at inference, y = x · scale + shift per channel, folded into the layer before it.

With running mean μ, variance σ² and affine γ, β: scale = γ / √(σ² + ε), shift = β − μ · scale
(Ioffe & Szegedy, arXiv:1502.03167, algorithm 2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph, Node
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.ops.conv import Conv2d
from shiftloom.codegen.ops.linear import Linear
from shiftloom.codegen.values import Array, FloatArray, Shape

_HINT = "put it directly behind a Conv2d or Linear layer"


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """Per-channel affine map; it exists until `fold_batch_norms` has run."""

    scale: Array
    shift: Array

    def shape(self, node: str, source: Shape) -> Shape:
        if self.scale.data.shape != (source[2],):
            raise ShiftloomError(
                node,
                f"normalizes {self.scale.data.size} channels, the input has {source[2]}",
                "check the model",
            )
        return source

    def run(self, x: FloatArray) -> FloatArray:
        return np.asarray(x * self.scale.data + self.shift.data, dtype=np.float32)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        raise ShiftloomError(node, "a BatchNorm without a layer to fold into", _HINT)


def _folded(op: Conv2d | Linear, norm: BatchNorm) -> Conv2d | Linear:
    scale = norm.scale.data
    weights = op.weights.data * scale.reshape(-1, *(1,) * (op.weights.data.ndim - 1))
    bias = op.bias.data * scale + norm.shift.data
    return replace(
        op, weights=Array(weights.astype(np.float32)), bias=Array(bias.astype(np.float32))
    )


def fold_batch_norms(graph: Graph) -> Graph:
    """Fold every BatchNorm into the Conv2d or Linear it follows; refuse the others by name."""
    nodes: list[Node] = []
    renamed: dict[str, str] = {}
    for node in graph.nodes:
        source = renamed.get(node.source, node.source)
        if not isinstance(node.op, BatchNorm):
            nodes.append(replace(node, source=source))
            continue
        before = nodes[-1] if nodes else None
        if before is None or before.name != source or not isinstance(before.op, Conv2d | Linear):
            raise ShiftloomError(node.name, f"BatchNorm follows {source!r}", _HINT)
        nodes[-1] = replace(before, op=_folded(before.op, node.op))
        renamed[node.name] = before.name
    return replace(graph, nodes=tuple(nodes))
