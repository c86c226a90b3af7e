"""ONNX front end: a model in a file becomes a Graph in NHWC; nothing of it is executed.

Layout nodes vanish, constants are folded, quantizers stay as Quantize nodes with exact scales.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.onnx import load
from shiftloom.codegen.frontends.onnx.ports import Port, output_port, source
from shiftloom.codegen.frontends.onnx.walk import Walk
from shiftloom.codegen.graph import Graph, GraphInput, check
from shiftloom.codegen.names import safe_identifier


@dataclass(frozen=True, slots=True)
class Imported:
    """A graph, and how its inputs and outputs hold the tensors of the ONNX model."""

    graph: Graph
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


def from_onnx(
    path: Path, name: str | None = None, inputs: Mapping[str, GraphInput] | None = None
) -> Graph:
    """Import the model in `path`; raises ShiftloomError naming the file or the node.

    An input that only one QuantizeLinear reads has that quantizer's integers; the others are
    uint8, or what `inputs` says by their ONNX names.
    """
    model = load.load(path)
    return import_model(model, name or path.stem, inputs).graph


def import_model(
    model: onnx.ModelProto, name: str, inputs: Mapping[str, GraphInput] | None = None
) -> Imported:
    """Import a loaded model; see `from_onnx`."""
    walk = Walk(model, name)
    for node in model.graph.node:
        walk.visit(node)
    return finish(walk, name, inputs or {})


def finish(walk: Walk, name: str, inputs: Mapping[str, GraphInput]) -> Imported:
    """The checked graph of a walk over all nodes."""
    unknown = sorted(set(inputs) - set(walk.inputs))
    if unknown:
        known = ", ".join(walk.inputs)
        raise ShiftloomError(name, f"has no input {unknown[0]!r}", f"its inputs: {known}")
    outputs = [output_port(walk.emit, walk.output(o), o) for o in walk.outputs]
    nodes = walk.emit.needed(port.name for port in outputs)
    read = {name for node in nodes for name in node.sources}
    sources = [
        source(x, tensor, nodes, inputs.get(tensor))
        for tensor, x in walk.inputs.items()
        if x.name in read
    ]
    absorbed = {node: s.input.name for s in sources for node in s.absorbed}
    ends = tuple(replace(port, name=absorbed.get(port.name, port.name)) for port in outputs)
    graph = Graph(
        safe_identifier(name),
        tuple(s.input for s in sources),
        tuple(
            replace(node, sources=tuple(absorbed.get(s, s) for s in node.sources))
            for node in nodes
            if node.name not in absorbed
        ),
        tuple(dict.fromkeys(port.name for port in ends)),
    )
    return Imported(check(graph), tuple(s.port for s in sources), ends)
