"""Where the channels of each value lie: lanes of its region, and the region in which map.

Concatenated values are parts of one map, each in blocks of its own; a gather of channels is another
order of the same lanes. So neither of them takes any time.
"""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.dataflows.engine.operations import Lanes
from shiftloom.codegen.dataflows.engine.rewrite import is_identity, makes_sums, other_operand
from shiftloom.codegen.qgraph import (
    Concat,
    Gather,
    QGraph,
    QNode,
    Requantize,
    ScaledAdd,
    WindowReduce,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Channel k of a value is lane `lanes[k]` of `blocks` blocks."""

    lanes: tuple[int, ...]
    blocks: int


@dataclass(frozen=True, slots=True)
class Target:
    """The first block of a value in its map."""

    map: str
    block: int


def is_alias(part: QGraph, node: QNode) -> bool:
    """Whether a node's value is that of its source in the same place."""
    if isinstance(node.unit, Gather):
        return True
    placed = any(isinstance(reader.unit, Concat) for reader in part.readers(node.name))
    return not placed and is_identity(node.unit, part.tensor(node.sources[0]))


def layouts(part: QGraph, lanes: Lanes) -> dict[str, Layout]:
    """The layout of every stored value of a part."""
    source = part.inputs[0]
    found = {source.name: _plain(source.tensor.shape[2], lanes)}
    for node in part.nodes:
        if not makes_sums(node):
            found[node.name] = _layout(part, node, lanes, found)
    return found


def _layout(part: QGraph, node: QNode, lanes: Lanes, found: dict[str, Layout]) -> Layout:
    unit = node.unit
    if isinstance(unit, Requantize) and not is_alias(part, node):
        return _plain(node.out.shape[2], lanes)
    if isinstance(unit, ScaledAdd):
        return found[node.sources[other_operand(part, node) or 0]]
    of = [found[name] for name in node.sources]
    if isinstance(unit, Gather):
        return Layout(tuple(of[0].lanes[channel] for channel in unit.order), of[0].blocks)
    if isinstance(unit, Concat):
        start = of[0].blocks * lanes.rows
        shifted = tuple(start + lane for lane in of[1].lanes)
        return Layout(of[0].lanes + shifted, of[0].blocks + of[1].blocks)
    assert isinstance(unit, Requantize | WindowReduce)
    return of[0]


def _plain(channels: int, lanes: Lanes) -> Layout:
    return Layout(tuple(range(channels)), lanes.blocks(channels))


def targets(part: QGraph, found: dict[str, Layout]) -> dict[str, Target]:
    """The place of every value that is written; parts of a concatenation lie side by side."""
    places = {part.inputs[0].name: Target(part.inputs[0].name, 0)}
    for node in reversed(part.nodes):
        if makes_sums(node) or is_alias(part, node):
            continue
        place = places.setdefault(node.name, Target(node.name, 0))
        if isinstance(node.unit, Concat):
            first, second = node.sources
            places[first] = place
            places[second] = Target(place.map, place.block + found[first].blocks)
    return places
