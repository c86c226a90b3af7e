"""`shiftloom check`: everything in an ONNX model that keeps it from being built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.onnx import load, refusals
from shiftloom.codegen.frontends.onnx.importer import finish
from shiftloom.codegen.frontends.onnx.walk import Walk
from shiftloom.codegen.frontends.views import Arrangement, Dims, Feature
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.ops import AvgPool2d
from shiftloom.codegen.ops.fold import drop_softmax


@dataclass(frozen=True, slots=True)
class Finding:
    """A node that cannot be built: the reason, and the rewrite that would help."""

    node: str
    reason: str
    rewrite: str


def survey(path: Path) -> list[Finding]:
    """All that keeps the model in `path` from being built; raises if it is no model at all."""
    return survey_model(load.load(path), path.stem)


def survey_model(model: onnx.ModelProto, name: str) -> list[Finding]:
    """All that keeps a loaded model from being built.

    Behind an unsupported node the walk goes on with values of the inferred shapes; nodes whose
    inputs are not even known in shape are only asked for their operator.
    """
    walk = Walk(model, name)
    shapes = _inferred(model)
    findings: list[Finding] = []
    lost: set[str] = set()
    for node in model.graph.node:
        try:
            if lost.isdisjoint(node.input):
                walk.visit(node)
            else:
                walk.supported(node)
                lost.update(node.output)
        except ShiftloomError as error:
            findings.append(_finding(error))
            lost.update(_assume(walk, node, shapes))
    return findings or _of_graph(walk, name)


def _finding(error: ShiftloomError) -> Finding:
    return Finding(error.node, error.problem, error.hint)


def _inferred(model: onnx.ModelProto) -> dict[str, Dims]:
    """Dimensions without the batch of the tensors that ONNX's shape inference finds."""
    try:
        graph = onnx.shape_inference.infer_shapes(model).graph
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):
        graph = model.graph
    found = {}
    for info in (*graph.value_info, *graph.output):
        sizes = [dim.dim_value for dim in info.type.tensor_type.shape.dim]
        if sizes and min(sizes[1:], default=1) > 0:
            found[info.name] = tuple(sizes[1:])
    return found


def _assume(walk: Walk, node: onnx.NodeProto, shapes: dict[str, Dims]) -> set[str]:
    """Put values of the inferred shapes for a node's outputs; returns those of unknown shape."""
    lost = set()
    for name in node.output:
        dims = shapes.get(name)
        if dims is None and node.op_type in refusals.SAME_SHAPE:
            dims = walk.dims(node.input[0])
        if dims is not None:
            walk.assume(name, Feature(f"unsupported {name}", Arrangement(dims, 0), dims))
        else:
            lost.add(name)
    return lost


def _of_graph(walk: Walk, name: str) -> list[Finding]:
    """What only the whole graph shows."""
    try:
        graph = finish(walk, name, {}).graph
        drop_softmax(graph)
    except ShiftloomError as error:
        return [_finding(error)]
    return _of_lowering(graph)


def _of_lowering(graph: Graph) -> list[Finding]:
    found = []
    for node in graph.nodes:
        if isinstance(node.op, AvgPool2d):
            try:
                node.op.check_even(node.name)
            except ShiftloomError as error:
                found.append(_finding(error))
    return found
