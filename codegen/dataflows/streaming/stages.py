"""Stages: the parts of a network that the scheduler chooses for one by one.

A stage is a unit with what follows it without a branch: a matrix product with its pooling and
requantization, a sum with its table, a concatenation. The next matrix product begins the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from shiftloom.codegen.config import Config, LayerConfig
from shiftloom.codegen.plan import ClockGate
from shiftloom.codegen.qgraph import Mac, Part, QGraph, QInput, QNode


@dataclass(frozen=True, slots=True)
class Stage:
    """`head` and `tail` as networks of their own; the tail is None where nothing follows."""

    name: str
    head: QGraph
    tail: QGraph | None
    config: LayerConfig
    dataflow: str = "streaming"
    clock_gate: ClockGate = "enable"

    @property
    def node(self) -> QNode:
        """The unit at its head."""
        return self.head.nodes[0]

    @property
    def followers(self) -> tuple[QNode, ...]:
        """The units behind its head."""
        return self.tail.nodes if self.tail else ()


def cut(qgraph: QGraph, config: Config) -> tuple[Stage, ...]:
    """The stages of a network in the order of their heads."""
    groups: dict[str, list[QNode]] = {}  # by the name of their last node
    for node in qgraph.nodes:
        group = groups.pop(node.sources[0], []) if _continues(qgraph, node, groups) else []
        groups[node.name] = [*group, node]
    order = {node.name: index for index, node in enumerate(qgraph.nodes)}
    found = sorted(groups.values(), key=lambda group: order[group[0].name])
    return tuple(_stage(qgraph, group, config) for group in found)


def _continues(qgraph: QGraph, node: QNode, groups: dict[str, list[QNode]]) -> bool:
    """Whether a node belongs to the stage that makes its input."""
    if isinstance(node.unit, Mac | Part) or len(node.sources) != 1 or node.sources[0] not in groups:
        return False
    source = node.sources[0]
    return len(qgraph.readers(source)) == 1 and source not in qgraph.outputs


def _stage(qgraph: QGraph, group: list[QNode], config: Config) -> Stage:
    head, tail = group[0], tuple(group[1:])
    layer = config.layer(head.layer)
    return Stage(
        head.name,
        _part(qgraph, (head,)),
        _part(qgraph, tail) if tail else None,
        layer,
        layer.dataflow or config.target.dataflow,
        config.target.clock_gate,
    )


def _part(qgraph: QGraph, nodes: tuple[QNode, ...]) -> QGraph:
    """Nodes in a row as a network; what the first one reads are its inputs."""
    names = dict.fromkeys(nodes[0].sources)
    inputs = tuple(QInput(name, qgraph.tensor(name)) for name in names)
    return QGraph(qgraph.name, inputs, nodes, (nodes[-1].name,))


def channels(part: QGraph, node: QNode) -> int:
    """What the elements a beat of a unit divide: the channels of all that it reads and makes."""
    return gcd(node.out.shape[2], *(part.tensor(name).shape[2] for name in node.sources))


def divisors(value: int) -> tuple[int, ...]:
    """The numbers that divide a positive number, ascending."""
    small = [d for d in range(1, int(value**0.5) + 1) if value % d == 0]
    return tuple(sorted({*small, *(value // d for d in small)}))
