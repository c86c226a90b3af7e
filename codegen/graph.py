"""The float graph: what a front end makes of a model, NHWC, before any quantization."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.names import check_identifier
from shiftloom.codegen.values import FloatArray, IntType, Shape

IntFrames = npt.NDArray[np.integer]
Frames = IntFrames | Mapping[str, IntFrames]
"""Raw integers of a single input [N, H, W, C], or of several by name."""

if TYPE_CHECKING:
    from shiftloom.codegen.lowering import Operand

MAX_ELEMENTS = 1 << 26
"""Largest feature map accepted, a guard against shape bombs."""

MAX_INPUT_BITS = 16
"""Widest integer of a sensor."""


class Op(Protocol):
    """What a layer means: its shape rule, its float function, its integer units.

    To add an operator, write one file in `codegen/ops/` with a frozen dataclass that has these
    methods. Their last parameters are its inputs, one for most: a shape, an array, an operand each.
    """

    @property
    def shape(self) -> Callable[..., Shape]:
        """Output shape, of (node, *sources); raises ShiftloomError naming `node`."""

    @property
    def run(self) -> Callable[..., FloatArray]:
        """Float reference, of (*x): batches [N, H, W, C], in their precision."""

    @property
    def lower(self) -> Callable[..., Operand]:
        """Append this layer's integer units, of (builder, node, *x), and return their result."""


@dataclass(frozen=True, slots=True)
class Node:
    """One layer: `op` applied to the values of `sources`, names of earlier nodes or inputs."""

    name: str
    op: Op
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GraphInput:
    """The sensor's integers: real value = scale · (q − zero), q of `bits` bits."""

    shape: Shape
    bits: int = 8
    scale: float = 1.0
    zero: int = 0
    signed: bool = False
    name: str = "input"


@dataclass(frozen=True, slots=True)
class Graph:
    """A feed-forward network; nodes stand in execution order, `outputs` names its results."""

    name: str
    inputs: tuple[GraphInput, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    def shapes(self) -> dict[str, Shape]:
        """Shape of every input and of every node's output, by name."""
        shapes: dict[str, Shape] = {source.name: source.shape for source in self.inputs}
        for node in self.nodes:
            sources = [shapes[name] for name in node.sources]
            shapes[node.name] = node.op.shape(node.name, *sources)
        return shapes

    def run(self, x: Frames, trace: bool = False) -> dict[str, FloatArray]:
        """Float outputs by name for raw integers `x`, the first also as "output"; in float32.

        `x` is the array [N, H, W, C] of a single input, or a mapping by input name. With `trace`
        every value is there, by its own name only.
        """
        real: dict[str, FloatArray] = {}
        for source, frames in zip(self.inputs, self.frames(x), strict=True):
            shifted = frames.astype(np.float32) - np.float32(source.zero)
            real[source.name] = shifted * np.float32(source.scale)
        values = self.evaluate(real)
        if trace:
            return values
        outputs = {name: values[name] for name in self.outputs}
        return {"output": outputs[self.outputs[0]], **outputs}

    def evaluate(self, real: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Every value by name for real inputs [N, H, W, C] by name, in their precision."""
        values = dict(real)
        for node in self.nodes:
            values[node.name] = node.op.run(*(values[name] for name in node.sources))
        return values

    def frames(self, x: Frames) -> tuple[IntFrames, ...]:
        """The arrays of `x` in the order of the inputs; raises ShiftloomError for a missing one."""
        if not isinstance(x, Mapping):
            x = {self.inputs[0].name: x}
        missing = [source.name for source in self.inputs if source.name not in x]
        if missing:
            known = ", ".join(source.name for source in self.inputs)
            raise ShiftloomError(missing[0], "has no frames", f"give arrays for {known}")
        return tuple(x[source.name] for source in self.inputs)


def _check_input(source: GraphInput) -> None:
    if len(source.shape) != 3 or min(source.shape) < 1:
        raise ShiftloomError(source.name, f"shape {source.shape}", "give (height, width, channels)")
    if not 1 <= source.bits <= MAX_INPUT_BITS:
        raise ShiftloomError(source.name, f"{source.bits} bits", f"use 1 to {MAX_INPUT_BITS}")
    if not (math.isfinite(source.scale) and source.scale > 0):
        raise ShiftloomError(source.name, f"scale {source.scale}", "use a positive number")
    kind = IntType(source.bits, source.signed)
    if not kind.lo <= source.zero <= kind.hi:
        raise ShiftloomError(
            source.name, f"zero point {source.zero}", f"use {kind.lo} to {kind.hi}"
        )


def check(graph: Graph) -> Graph:
    """Reject an ill-formed graph by node name; returns it unchanged."""
    if not graph.nodes:
        raise ShiftloomError(graph.name, "the network has no layers", "give at least one layer")
    for source in graph.inputs:
        _check_input(source)
    check_identifier(graph.name, graph.name)
    _check_names(graph)
    for name, shape in graph.shapes().items():
        if math.prod(shape) > MAX_ELEMENTS:
            raise ShiftloomError(
                name, f"shape {shape} has more than {MAX_ELEMENTS} elements", "use a smaller input"
            )
    return graph


def _check_names(graph: Graph) -> None:
    """Every name is there once, before it is read, and every value is read or an output."""
    known: set[str] = set()
    for name in (*(source.name for source in graph.inputs), *(node.name for node in graph.nodes)):
        if name in known:
            raise ShiftloomError(name, "two nodes have this name", "rename one of them")
        known.add(name)
    seen = {source.name for source in graph.inputs}
    for node in graph.nodes:
        for source_name in node.sources:
            if source_name not in seen:
                raise ShiftloomError(
                    node.name, f"its input {source_name!r} is no earlier node", "order the nodes"
                )
        seen.add(node.name)
    if not graph.outputs:
        raise ShiftloomError(graph.name, "it has no outputs", "name at least one node")
    for name in graph.outputs:
        if name not in seen:
            raise ShiftloomError(graph.name, f"its output {name!r} is no node", "name a node")
    read = {name for node in graph.nodes for name in node.sources} | set(graph.outputs)
    unread = [name for name in seen if name not in read]
    if unread:
        raise ShiftloomError(
            min(unread), "its value is never read", "remove it, or make it an output"
        )
