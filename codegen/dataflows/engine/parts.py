"""The parts of a network that engines run, found by the dataflows of its layers.

A part begins at one stored value, the network's input or what a unit of another dataflow makes, and
ends at the last layer with weights: its raw sums leave the engine, and what follows is streaming.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shiftloom.codegen.config import Config
from shiftloom.codegen.contradictions import ENGINES
from shiftloom.codegen.dataflows.engine.rewrite import makes_sums
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.qgraph import (
    Concat,
    Crop,
    Gather,
    Insert,
    Mac,
    Part,
    QGraph,
    QInput,
    QNode,
    Upsample,
    WindowReduce,
)
from shiftloom.codegen.values import IntType

_PASSING = (WindowReduce, Concat, Gather, Insert, Upsample, Crop)
"""Units that leave sums as wide as they are."""
MEMORY_KIND = "systolic"
"""The dataflow that uses the external memory, of which a design has one."""


@dataclass(frozen=True, slots=True)
class Found:
    """A part for an engine of the dataflow `kind`, as a network of its own."""

    kind: str
    graph: QGraph

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of its nodes."""
        return tuple(node.name for node in self.graph.nodes)


def split(qgraph: QGraph, config: Config) -> tuple[Found, ...]:
    """The parts of a network that its settings give to engines.

    Raises ShiftloomError naming a value where a part has several inputs or several results, or
    where several parts are for the external memory. The way out is left to `assigned.find`.
    """
    found = tuple(
        Found(kind, part_of(qgraph, names))
        for kind in ENGINES
        for names in _connected(qgraph, _members(qgraph, config, kind))
    )
    in_memory = [part.graph.outputs[0] for part in found if part.kind == MEMORY_KIND]
    if len(in_memory) > 1:
        raise ShiftloomError(
            in_memory[1],
            f"ends a part for {MEMORY_KIND} beside that of {in_memory[0]!r}, "
            "one engine can use the external memory",
        )
    return found


def part_of(qgraph: QGraph, names: Sequence[str]) -> QGraph:
    """Some nodes as a network, up to the last `Mac` among them; checks its ends."""
    chosen = [node for node in qgraph.nodes if node.name in names]
    last = max(i for i, node in enumerate(chosen) if isinstance(node.unit, Mac))
    needed = _ancestors(chosen[: last + 1], chosen[last].name)
    nodes = tuple(node for node in chosen if node.name in needed)
    sums = nodes[-1].name
    _check_results(qgraph, needed, sums)
    left = [n.name for n in chosen if isinstance(n.unit, Mac) and n.name not in needed]
    if left:
        raise ShiftloomError(
            left[0],
            f"its engine would emit its sums beside those of {sums!r}, it can emit one value",
        )
    inputs = dict.fromkeys(s for node in nodes for s in node.sources if s not in needed)
    if len(inputs) > 1:
        raise ShiftloomError(
            sums,
            f"its engine would read {_listed(inputs)}, it can read one value",
        )
    source = next(iter(inputs))
    return QGraph(qgraph.name, (QInput(source, qgraph.tensor(source)),), nodes, (sums,))


def _members(qgraph: QGraph, config: Config, kind: str) -> set[str]:
    """Nodes that an engine of a kind can take: layers with weights, and what follows them.

    Of other nodes' values it takes stored ones only, never raw sums.
    """
    inputs = {source.name for source in qgraph.inputs}
    sums = {node.name for node in qgraph.nodes if makes_sums(node)}
    members: set[str] = set()
    for node in qgraph.nodes:
        follows = any(name in members or name in inputs for name in node.sources)
        foreign = any(name in sums - members for name in node.sources)
        if (
            config.dataflow(node.layer) == kind
            and not foreign
            and (isinstance(node.unit, Mac) or follows)
        ):
            members.add(node.name)
    return members


def _connected(qgraph: QGraph, members: set[str]) -> Iterator[tuple[str, ...]]:
    """Groups of members joined by values, each with a `Mac`."""
    groups: list[set[str]] = []
    for node in qgraph.nodes:
        if node.name in members:
            joined = {node.name, *(name for name in node.sources if name in members)}
            touching = [group for group in groups if group & joined]
            groups = [group for group in groups if not group & joined]
            groups.append(joined.union(*touching))
    for group in groups:
        names = tuple(node.name for node in qgraph.nodes if node.name in group)
        if any(isinstance(node.unit, Mac) for node in qgraph.nodes if node.name in group):
            yield names


def _ancestors(nodes: Sequence[QNode], last: str) -> set[str]:
    """The nodes that the last one depends on, and itself."""
    found = {last}
    for node in reversed(nodes):
        if node.name in found:
            found |= set(node.sources)
    return found & {node.name for node in nodes}


def _check_results(qgraph: QGraph, inside: set[str], sums: str) -> None:
    for name in sorted(inside - {sums}):
        outside = [node.name for node in qgraph.readers(name) if node.name not in inside]
        if name in qgraph.outputs:
            outside.append("the output")
        if outside:
            raise ShiftloomError(
                name,
                f"is read by {_listed(outside)} outside of its engine, which emits {sums!r} only",
            )
    if sums in qgraph.outputs:
        raise ShiftloomError(sums, "raw sums of an engine are an output")


def _listed(names: Sequence[str] | dict[str, None]) -> str:
    return " and ".join(repr(name) for name in dict.fromkeys(names))


def reduced(qgraph: QGraph, parts: Sequence[tuple[QGraph, int]]) -> QGraph:
    """The network with a `Part` in the place of each part, which makes sums of so many bits."""
    units = {graph.outputs[0]: (graph, bits) for graph, bits in parts}
    hidden = {node.name for graph, _ in parts for node in graph.nodes} - set(units)
    wide: dict[str, int] = {}
    nodes = []
    for node in qgraph.nodes:
        if node.name in units:
            graph, wide[node.name] = units[node.name]
            made = replace(node, unit=Part(graph), sources=(graph.inputs[0].name,))
            nodes.append(_widened(made, wide[node.name]))
        elif node.name not in hidden:
            bits = max((wide[name] for name in node.sources if name in wide), default=0)
            passes = bits > 0 and isinstance(node.unit, _PASSING)
            if passes:
                wide[node.name] = max(bits, node.out.type.bits)
            nodes.append(_widened(node, wide[node.name]) if passes else node)
    return replace(qgraph, nodes=tuple(nodes))


def _widened(node: QNode, bits: int) -> QNode:
    """A node whose sums take more bits than they need."""
    return replace(node, out=replace(node.out, type=IntType(bits, True)))
