"""The quantized graph: integer units of a closed set, the definition of what hardware computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array, IntArray, IntType, Shape
from shiftloom.codegen.windows import Window


@dataclass(frozen=True, slots=True)
class QTensor:
    """Integers on an edge; real value = scale[c] · (q − zero), `scale` of shape (C,) or ().

    The zero point of signs, q in {0, 1}, is 1/2.
    """

    shape: Shape
    type: IntType
    scale: Array
    zero: float = 0


@dataclass(frozen=True, slots=True)
class Mac:
    """Σ w·x + bias over a loop nest: a convolution, or a fully connected layer as 1×1.

    `weights` [C_out, KH, KW, C_in / groups] are integers; taps outside the frame read `pad_value`.
    Output channel k reads the input channels of group k // (C_out / groups). `bias` holds the
    corrections for the input's zero point. The output's type covers every reachable sum, at every
    quality: `scalable` names the factor that quality cuts, the weights or the α of short vectors.
    With a `limit`, other weights up to that magnitude, with their bias, may be loaded at run time.
    """

    weights: Array
    bias: Array
    window: Window
    pad_value: int
    codes: QuantizedWeights
    groups: int = 1
    scalable: Literal["", "weight", "alpha"] = ""
    limit: int = 0

    @property
    def lanes(self) -> int:
        """Terms of one dot product, KH·KW·C_in / groups."""
        return int(np.prod(self.weights.data.shape[1:]))


@dataclass(frozen=True, slots=True)
class WindowReduce:
    """Maximum or sum over windows, channel by channel; taps outside read `pad_value`.

    None stands for the lowest value of the input's type for a maximum, and for 0 in a sum.
    """

    kind: Literal["max", "sum"]
    window: Window
    pad_value: int | None = None


@dataclass(frozen=True, slots=True)
class Requantize:
    """Raw sums or activations to activations, channel by channel; see `Requantization`.

    `is_scalable`: quality cuts the multipliers M. `is_reloadable`: M and C may be loaded at run
    time, with the weights whose sums these are.
    """

    requantization: Requantization
    is_scalable: bool = False
    is_reloadable: bool = False


@dataclass(frozen=True, slots=True)
class ScaledAdd:
    """clip(round_half_even((m1·a + m2·b + c) / 2^shift) + zero, lo, hi) of two activations."""

    m1: int
    m2: int
    c: int
    shift: int
    lo: int
    hi: int
    zero: int = 0

    def apply(self, a: IntArray, b: IntArray) -> IntArray:
        """The integer function of the hardware on activations of the same shape."""
        t = self.m1 * a + self.m2 * b + self.c
        if self.shift:
            t = (t + ((1 << (self.shift - 1)) - 1) + ((t >> self.shift) & 1)) >> self.shift
        clipped: IntArray = np.clip(t + self.zero, self.lo, self.hi)
        return clipped


@dataclass(frozen=True, slots=True)
class Table:
    """values[q mod 2^bits], or values[channel, q mod 2^bits], of an activation of `bits` bits."""

    values: Array


@dataclass(frozen=True, slots=True)
class Concat:
    """The channels of two inputs of the same scale, one behind the other."""


@dataclass(frozen=True, slots=True)
class Gather:
    """Channel k of the output is channel order[k] of the input."""

    order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Insert:
    """`gaps` (rows, columns) of `value` between pixels, then `pad` (top, left, bottom, right)."""

    pad: tuple[int, int, int, int]
    gaps: tuple[int, int]
    value: int


@dataclass(frozen=True, slots=True)
class Upsample:
    """Each pixel `factors` (vertical, horizontal) times: nearest neighbour."""

    factors: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Crop:
    """The rows and columns from (top, left) on; the output's shape says how many."""

    top: int
    left: int


@dataclass(frozen=True, slots=True)
class ArgMax:
    """Index of the largest channel of each pixel, the first of equals."""


@dataclass(frozen=True, slots=True)
class Part:
    """A network with one input and one output as a single unit: what one engine runs.

    Front ends never make it; a dataflow puts it in the place of the nodes of `graph`.
    """

    graph: QGraph


MAX_SUM_BITS = 46
"""Widest sum: times a multiplier of 17 bits it stays below 63 bits."""

Unit = (
    Mac
    | WindowReduce
    | Requantize
    | ScaledAdd
    | Table
    | Concat
    | Gather
    | Insert
    | Upsample
    | Crop
    | ArgMax
    | Part
)
"""The closed set of integer units that every operator lowers to."""


@dataclass(frozen=True, slots=True)
class QNode:
    """One unit reading `sources` and making `out`; `layer` is the float node it comes from.

    `reference` is the float value that `out` stands for, empty while it is pending.
    """

    name: str
    unit: Unit
    sources: tuple[str, ...]
    out: QTensor
    layer: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class QInput:
    """Raw integers of a sensor."""

    name: str
    tensor: QTensor


@dataclass(frozen=True, slots=True)
class QGraph:
    """A graph of integer units in execution order; `outputs` names the nodes of its results."""

    name: str
    inputs: tuple[QInput, ...]
    nodes: tuple[QNode, ...]
    outputs: tuple[str, ...]

    def tensor(self, name: str) -> QTensor:
        """The tensor of the input or node `name`."""
        for source in self.inputs:
            if source.name == name:
                return source.tensor
        return next(node.out for node in self.nodes if node.name == name)

    def readers(self, name: str) -> tuple[QNode, ...]:
        """The nodes that read the value `name`, once for every time they do."""
        return tuple(node for node in self.nodes for source in node.sources if source == name)


def check(qgraph: QGraph) -> QGraph:
    """Reject a quantized graph whose order, names or ranges do not fit; returns it unchanged."""
    if not qgraph.nodes:
        raise ShiftloomError(
            qgraph.name, "its layers leave nothing to compute", "give at least one with arithmetic"
        )
    names = {source.name for source in qgraph.inputs}
    for node in qgraph.nodes:
        for source in node.sources:
            if source not in names:
                raise ShiftloomError(
                    node.name, f"reads {source!r}, which no earlier unit makes", "order the nodes"
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
    return qgraph
