"""The quantized graph: integer units of a closed set, the definition of what hardware computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.quantizers.qsq import QsqWeights
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array, IntType, Shape
from shiftloom.codegen.windows import Window


@dataclass(frozen=True, slots=True)
class QTensor:
    """Integers on an edge; real value = scale[c] · (q − zero), `scale` of shape (C,) or ()."""

    shape: Shape
    type: IntType
    scale: Array
    zero: int = 0


@dataclass(frozen=True, slots=True)
class Mac:
    """Σ w·x + bias over a loop nest: a convolution, or a fully connected layer as 1×1.

    `weights` [C_out, KH, KW, C_in] are the integers β; taps outside the frame read `pad_value`.
    `bias` holds the corrections for the input's zero point. `acc` covers every reachable sum.
    """

    weights: Array
    bias: Array
    window: Window
    pad_value: int
    codes: QsqWeights

    @property
    def lanes(self) -> int:
        """Terms of one dot product, KH·KW·C_in."""
        return int(np.prod(self.weights.data.shape[1:]))


@dataclass(frozen=True, slots=True)
class WindowReduce:
    """Maximum or sum over windows, channel by channel."""

    kind: Literal["max", "sum"]
    window: Window


@dataclass(frozen=True, slots=True)
class Requantize:
    """Raw sums to activations, channel by channel; see `Requantization`."""

    requantization: Requantization


MAX_SUM_BITS = 46
"""Widest sum: times a multiplier of 17 bits it stays below 63 bits."""

Unit = Mac | WindowReduce | Requantize


@dataclass(frozen=True, slots=True)
class QNode:
    """One unit reading `source` and making `out`; `layer` is the float node it comes from."""

    name: str
    unit: Unit
    source: str
    out: QTensor
    layer: str


@dataclass(frozen=True, slots=True)
class QGraph:
    """A chain of integer units; the last node makes the integer logits."""

    name: str
    input: QTensor
    nodes: tuple[QNode, ...]

    def tensor(self, name: str) -> QTensor:
        """The tensor made by node `name`, or the input's under "input"."""
        if name == "input":
            return self.input
        return next(node.out for node in self.nodes if node.name == name)

    @property
    def output(self) -> QTensor:
        """The tensor of the last node."""
        return self.nodes[-1].out


def check(qgraph: QGraph) -> QGraph:
    """Reject a quantized graph whose chain, shapes or ranges do not fit; returns it unchanged."""
    previous = "input"
    names = {"input"}
    for node in qgraph.nodes:
        if node.source != previous:
            raise ShiftloomError(
                node.name, f"reads {node.source!r}, the chain has {previous!r}", "order the nodes"
            )
        if node.out.type.bits > MAX_SUM_BITS:
            raise ShiftloomError(
                node.name,
                f"needs sums of {node.out.type.bits} bits, the limit is {MAX_SUM_BITS}",
                "use narrower activations or a smaller layer",
            )
        if node.name in names:
            raise ShiftloomError(
                node.name, "two units have this name", f"rename the layer {node.layer!r}"
            )
        names.add(node.name)
        previous = node.name
    return qgraph
