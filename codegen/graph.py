"""The float graph: what a front end makes of a model, NHWC, before any quantization."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.names import check_identifier
from shiftloom.codegen.values import FloatArray, Shape

if TYPE_CHECKING:
    from shiftloom.codegen.lowering import IntegerBuilder, Operand

MAX_ELEMENTS = 1 << 26
"""Largest feature map accepted, a guard against shape bombs."""

MAX_INPUT_BITS = 16
"""Widest integer of a sensor."""


class Op(Protocol):
    """What a layer means: its shape rule, its float function, its integer units.

    To add an operator, write one file in `codegen/ops/` with a frozen dataclass of this form.
    """

    def shape(self, node: str, source: Shape) -> Shape:
        """Output shape for the input shape `source`; raises ShiftloomError naming `node`."""

    def run(self, x: FloatArray) -> FloatArray:
        """Float reference on a batch [N, H, W, C]."""

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        """Append this layer's integer units to `builder` and return their result."""


@dataclass(frozen=True, slots=True)
class Node:
    """One layer: `op` applied to the output of `source` (a node's name or the graph's input)."""

    name: str
    op: Op
    source: str


@dataclass(frozen=True, slots=True)
class GraphInput:
    """The sensor's integers: real value = scale · (q − zero), q unsigned of `bits` bits."""

    shape: Shape
    bits: int = 8
    scale: float = 1.0
    zero: int = 0


@dataclass(frozen=True, slots=True)
class Graph:
    """A feed-forward network; nodes stand in execution order, the last one is the output."""

    name: str
    input: GraphInput
    nodes: tuple[Node, ...]

    def shapes(self) -> dict[str, Shape]:
        """Output shape of every node by name, the input's under "input"."""
        shapes: dict[str, Shape] = {"input": self.input.shape}
        for node in self.nodes:
            shapes[node.name] = node.op.shape(node.name, shapes[node.source])
        return shapes

    def run(self, x: np.ndarray, trace: bool = False) -> Mapping[str, FloatArray]:
        """Float output for raw input x under "output"; with `trace` every node's, by name."""
        values: dict[str, FloatArray] = {}
        real = (x.astype(np.float32) - self.input.zero) * np.float32(self.input.scale)
        values["input"] = real
        for node in self.nodes:
            values[node.name] = node.op.run(values[node.source])
        values["output"] = values[self.nodes[-1].name]
        return values if trace else {"output": values["output"]}


def _check_input(source: GraphInput) -> None:
    if len(source.shape) != 3 or min(source.shape) < 1:
        raise ShiftloomError("input", f"shape {source.shape}", "give (height, width, channels)")
    if not 1 <= source.bits <= MAX_INPUT_BITS:
        raise ShiftloomError("input", f"{source.bits} bits", f"use 1 to {MAX_INPUT_BITS}")
    if not (math.isfinite(source.scale) and source.scale > 0):
        raise ShiftloomError("input", f"scale {source.scale}", "use a positive number")
    if not 0 <= source.zero < 1 << source.bits:
        raise ShiftloomError(
            "input", f"zero point {source.zero}", f"use 0 to {(1 << source.bits) - 1}"
        )


def check(graph: Graph) -> Graph:
    """Reject an ill-formed graph by node name; returns it unchanged."""
    if not graph.nodes:
        raise ShiftloomError(graph.name, "the network has no layers", "give at least one layer")
    _check_input(graph.input)
    check_identifier(graph.name, graph.name)
    known = {"input"}
    for node in graph.nodes:
        if node.name in known:
            raise ShiftloomError(node.name, "two nodes have this name", "rename one of them")
        if node.source not in known:
            raise ShiftloomError(
                node.name, f"its input {node.source!r} is no earlier node", "order the nodes"
            )
        known.add(node.name)
    consumed = [node.source for node in graph.nodes]
    for name in (*(node.name for node in graph.nodes[:-1]), "input"):
        if consumed.count(name) != 1:
            raise ShiftloomError(
                name,
                f"its output is read by {consumed.count(name)} nodes, a chain needs exactly 1",
                "branches are not supported by the streaming dataflow",
            )
    for name, shape in graph.shapes().items():
        if math.prod(shape) > MAX_ELEMENTS:
            raise ShiftloomError(
                name, f"shape {shape} has more than {MAX_ELEMENTS} elements", "use a smaller input"
            )
    return graph
