"""Parts of small networks for the engines, and plans of their tiles."""

from __future__ import annotations

import numpy as np

from shiftloom.codegen.dataflows.engine.operations import Operations
from shiftloom.codegen.dataflows.engine.steps import LOOPS
from shiftloom.codegen.plan import EnginePlan, OpPlan
from shiftloom.codegen.qgraph import Mac, QGraph
from shiftloom.codegen.values import IntArray


def macs(qgraph: QGraph) -> list[str]:
    """The names of all layers with weights."""
    return [node.name for node in qgraph.nodes if isinstance(node.unit, Mac)]


def part_to(qgraph: QGraph, mac: str) -> QGraph:
    """What the sums of a layer depend on, as a network of its own."""
    needed, nodes = {mac}, []
    for node in reversed(qgraph.nodes):
        if node.name in needed:
            nodes.insert(0, node)
            needed |= set(node.sources)
    inputs = tuple(source for source in qgraph.inputs if source.name in needed)
    return QGraph(qgraph.name, inputs, tuple(nodes), (mac,))


def frames(part: QGraph, count: int, seed: int = 0) -> IntArray:
    """Random frames of the part's input."""
    tensor = part.inputs[0].tensor
    kind = tensor.type
    made = np.random.default_rng(seed).integers(kind.lo, kind.hi + 1, (count, *tensor.shape))
    return made.astype(np.int64)


def pad_of(part: QGraph) -> int:
    """What the first layer reads outside of a frame."""
    return next(node.unit.pad_value for node in part.nodes if isinstance(node.unit, Mac))


def systolic_plan(
    operations: Operations, ports: int, tile: tuple[int, int], is_split: bool = False
) -> EnginePlan:
    """Tiles of at most `tile` rows and columns; of emitted sums a pixel."""
    ops = []
    for op in operations.ops:
        rows, columns = (1, 1) if op.emits else map(min, tile, op.output)
        ops.append(OpPlan(op.name, rows, columns, LOOPS, is_split and not op.emits))
    lanes = operations.lanes
    return EnginePlan(
        *("systolic", (), operations.ops[-1].name, lanes.rows, lanes.columns, tuple(ops)),
        weight_ports=ports,
        pixels=256,
        buffer=4096,
    )
