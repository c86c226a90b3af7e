"""The engine of a part of a network as units: what is before it, itself, what is behind it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from shiftloom.codegen.dataflows.dadiannao import compiled as dadiannao
from shiftloom.codegen.dataflows.dadiannao.unit import DadianNao
from shiftloom.codegen.dataflows.engine import streams
from shiftloom.codegen.dataflows.engine.lowering import lower
from shiftloom.codegen.dataflows.engine.operations import Lanes, Operations
from shiftloom.codegen.dataflows.engine.parts import part_of, reduced
from shiftloom.codegen.dataflows.engine.steps import Steps
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.dataflows.systolic import compiled as systolic
from shiftloom.codegen.dataflows.systolic.unit import Systolic
from shiftloom.codegen.design import Stream
from shiftloom.codegen.plan import EnginePlan
from shiftloom.codegen.qgraph import Part, QGraph, QNode

if TYPE_CHECKING:
    from shiftloom.codegen.dataflows.streaming.compose import Composer


@lru_cache(maxsize=16)
def operations_of(graph: QGraph, lanes: Lanes) -> Operations:
    """The operations of a part, kept for the next time they are asked for."""
    return lower(graph, lanes)


@lru_cache(maxsize=4)
def neurons(graph: QGraph, plan: EnginePlan) -> dadiannao.Program:
    """The program of a dadiannao engine."""
    operations = operations_of(graph, Lanes(plan.rows, plan.columns))
    return dadiannao.compile_program(operations, tuple(op.loops for op in plan.ops))


def with_engines(qgraph: QGraph, engines: tuple[EnginePlan, ...]) -> QGraph:
    """The network with every planned engine as one unit."""
    parts = []
    for plan in engines:
        graph = part_of(qgraph, plan.nodes)
        operations = operations_of(graph, Lanes(plan.rows, plan.columns))
        parts.append((graph, max(op.acc_bits for op in operations.ops)))
    return reduced(qgraph, parts) if parts else qgraph


def pace(graph: QGraph, plan: EnginePlan) -> int:
    """Clocks between the pixels whose sums leave an engine: the steps of all their outputs."""
    operations = operations_of(graph, Lanes(plan.rows, plan.columns))
    count = sum(Steps(operations.ops[-1], operations.lanes).counts)
    if plan.kind == "dadiannao":
        return count
    tile = emitted_pixels(plan)
    return -(-count * max(tile, plan.rows) // tile)


def emitted_pixels(plan: EnginePlan) -> int:
    """Pixels whose sums leave an engine for a tile of outputs, before those for the next."""
    last = plan.ops[-1]
    return 1 if plan.kind == "dadiannao" else last.rows * last.columns


@lru_cache(maxsize=4)
def array(graph: QGraph, plan: EnginePlan) -> systolic.Program:
    """The program of a systolic engine."""
    return systolic.compile_program(operations_of(graph, Lanes(plan.rows, plan.columns)), plan)


def add(c: Composer, node: QNode, part: Part, x: Stream) -> Stream:
    """Append the units of an engine and what its streams need."""
    plan = c.choices.engine(node.name)
    if plan.kind == "dadiannao":
        program = neurons(part.graph, plan)
        x, made = _ends(c, node, program, x, 1)
        unit: Unit = DadianNao(_name(node), node.name, x, made, program, c.qgraph.name)
    else:
        tiled = array(part.graph, plan)
        x, made = _ends(c, node, tiled, x, emitted_pixels(plan))
        unit = Systolic(_name(node), node.name, x, made, tiled, c.qgraph.name)
    operations = operations_of(part.graph, Lanes(plan.rows, plan.columns))
    return streams.sink(c, node, operations, c.append(unit), emitted_pixels(plan))


def _ends(
    c: Composer,
    node: QNode,
    program: dadiannao.Program | systolic.Program,
    x: Stream,
    tile: int,
) -> tuple[Stream, Stream]:
    """What the engine reads and makes."""
    operations, widths = program.operations, program.widths
    x = streams.source(c, node, operations, widths, x)
    return x, streams.sums(node, operations, widths, tile)


def _name(node: QNode) -> str:
    return f"{node.name}_engine"
