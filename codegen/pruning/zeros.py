"""Zeros in the weights: which are there, and how a pattern of them is put into a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shiftloom.codegen.fitted import Layer
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.values import Array


def layers(graph: Graph) -> dict[str, Layer]:
    """The layers with weights by name, in execution order."""
    return {node.name: node.op for node in graph.nodes if isinstance(node.op, Layer)}


def masks(graph: Graph) -> dict[str, Array]:
    """Of each layer, in the shape of its weights: True where a weight is not 0."""
    return {name: Array(op.weights.data != 0) for name, op in layers(graph).items()}


def masked(graph: Graph, stay: Mapping[str, Array]) -> Graph:
    """The graph with zeros wherever a mask of `stay` is False; other layers stay as they are.

    Integers that an imported model brought become 0 with the weights that they stand for.
    """
    nodes = (
        replace(node, op=_masked(node.op, stay[node.name]))
        if isinstance(node.op, Layer) and node.name in stay
        else node
        for node in graph.nodes
    )
    return replace(graph, nodes=tuple(nodes))


def _masked(op: Layer, stay: Array) -> Layer:
    given = op.given and replace(op.given, values=Array(op.given.values.data * stay.data))
    return replace(op, weights=Array(op.weights.data * stay.data), given=given)
