"""What a channel is further on, once the filters that make it give nothing but 0."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shiftloom.codegen.graph import Graph, Node
from shiftloom.codegen.pruning.channels import APART, MOVING
from shiftloom.codegen.values import FloatArray, Shape


def constants(graph: Graph) -> dict[str, FloatArray]:
    """Of each channel of each value: its value where the filters behind it give 0 everywhere.

    NaN where that is not the same at every pixel, as behind a padding with another value.
    """
    shapes = graph.shapes()
    found: dict[str, FloatArray] = {s.name: np.zeros(s.shape[2]) for s in graph.inputs}
    for node in graph.nodes:
        if isinstance(node.op, APART + MOVING):
            found[node.name] = _behind(node, found, shapes)
        else:
            found[node.name] = np.zeros(shapes[node.name][2])
    return found


def _behind(node: Node, found: Mapping[str, FloatArray], shapes: Mapping[str, Shape]) -> FloatArray:
    """What the operator itself makes of maps of constants."""
    maps = [np.broadcast_to(found[name], (1, *shapes[name])) for name in node.sources]
    made = node.op.run(*maps)
    same = np.isclose(made, made[:, :1, :1], rtol=1e-9, atol=0).all(axis=(0, 1, 2))
    if isinstance(node.op, APART):
        same &= ~np.isnan(found[node.sources[0]])
    return np.where(same, made[0, 0, 0], np.nan)
