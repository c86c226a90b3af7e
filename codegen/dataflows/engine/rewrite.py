"""A part of a network in the form that an engine runs: sums are requantized where they are made.

A maximum between sums and their requantization moves behind it: the requantization is monotone, so
the outputs stay equal. Values that must lie in two places are copied by requantizations that change
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.qgraph import (
    Concat,
    Gather,
    Mac,
    QGraph,
    QNode,
    QTensor,
    Requantize,
    ScaledAdd,
    WindowReduce,
)
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array, IntType
from shiftloom.codegen.windows import Window

WAY_OUT = "give the layer another dataflow, as layers.<node>.dataflow: streaming"


def rewritten(part: QGraph) -> QGraph:
    """The part with maxima behind requantizations and with the copies that an engine needs."""
    return _with_copies(_live(_pools_behind(part)))


def makes_sums(node: QNode) -> bool:
    """Whether a unit makes raw sums, which an engine does not store."""
    unit = node.unit
    return isinstance(unit, Mac) or (isinstance(unit, WindowReduce) and unit.kind == "sum")


def is_identity(unit: object, source: QTensor) -> bool:
    """Whether a unit is a requantization that leaves every value of `source` as it is."""
    if not isinstance(unit, Requantize) or unit.requantization.steps is not None:
        return False
    function, kind = unit.requantization, source.type
    same = bool((function.m.data == 1 << function.shift).all()) and not function.offset.data.any()
    return same and function.zero == 0 and function.lo <= kind.lo and function.hi >= kind.hi


def other_operand(part: QGraph, node: QNode) -> int | None:
    """Of a sum, the index of the operand that is read as a stored map; None without a fitting one.

    The other operand is a requantization that nothing else reads: it is computed in place. Of two
    of these the one with more products is taken.
    """
    made = {each.name: each for each in part.nodes}
    found = []
    for index, name in enumerate(node.sources):
        is_computed = name in made and isinstance(made[name].unit, Requantize)
        if is_computed and len(part.readers(name)) == 1 and name not in part.outputs:
            source = made.get(made[name].sources[0])
            unit = source.unit if source is not None else None
            found.append((unit.lanes if isinstance(unit, Mac) else 0, 1 - index))
    return max(found)[1] if found else None


def _live(part: QGraph) -> QGraph:
    """Without the nodes that no output depends on."""
    needed = set(part.outputs)
    for node in reversed(part.nodes):
        if node.name in needed:
            needed |= set(node.sources)
    return replace(part, nodes=tuple(node for node in part.nodes if node.name in needed))


def _pools_behind(part: QGraph) -> QGraph:
    nodes: list[QNode] = []
    made = {node.name: node for node in part.nodes}
    for node in part.nodes:
        pools: list[QNode] = []
        source = made.get(node.sources[0])
        while source is not None and _is_max(source):
            pools.insert(0, source)
            source = made.get(source.sources[0])
        if isinstance(node.unit, Requantize) and pools and source and makes_sums(source):
            nodes += _moved(node, node.unit, pools, source)
        else:
            nodes.append(node)
    return replace(part, nodes=tuple(nodes))


def _is_max(node: QNode) -> bool:
    return isinstance(node.unit, WindowReduce) and node.unit.kind == "max"


def _moved(node: QNode, unit: Requantize, pools: list[QNode], sums: QNode) -> Iterable[QNode]:
    """The requantization of `sums`, then the maxima; the last of them has the node's name."""
    inside = replace(node.out, shape=sums.out.shape)
    last = QNode(f"{node.name}:unpooled", unit, (sums.name,), inside, node.layer)
    yield last
    for index, pool in enumerate(pools):
        assert isinstance(pool.unit, WindowReduce)
        shape = last.out.shape[:2]
        pad = _moved_pad(pool.name, pool.unit, unit.requantization, shape)
        name = node.name if index == len(pools) - 1 else f"{node.name}:pooled{index}"
        out = replace(node.out, shape=pool.out.shape)
        last = QNode(name, replace(pool.unit, pad_value=pad), (last.name,), out, node.layer)
        yield last


def _moved_pad(
    name: str, pool: WindowReduce, function: Requantization, size: tuple[int, int]
) -> int | None:
    """What taps outside read behind the requantization, so that no output changes."""
    if pool.pad_value is None:
        if not _always_inside(pool.window, size):
            problem = "a window lies outside of the map, whose maximum is no activation"
            raise ShiftloomError(name, problem, WAY_OUT)
        return None
    values = np.unique(function.apply(np.full(function.m.data.shape, pool.pad_value, np.int64)))
    if len(values) > 1:
        problem = f"its padding of {pool.pad_value} is another activation in each channel"
        raise ShiftloomError(name, problem, WAY_OUT)
    return int(values[0])


def _always_inside(window: Window, size: tuple[int, int]) -> bool:
    """Whether every window has a tap inside the map."""
    height, width = window.output("", (*size, 1))
    for axis, count in enumerate((height, width)):
        first = np.arange(count) * window.stride[axis] - window.padding[axis]
        taps = first[:, None] + np.arange(window.kernel[axis]) * window.dilation[axis]
        if not ((taps >= 0) & (taps < size[axis])).any(axis=1).all():
            return False
    return True


def _with_copies(part: QGraph) -> QGraph:
    """Copies of values that a concatenation or a sum cannot use where they are."""
    nodes: list[QNode] = []
    placed: set[str] = set()
    made = {node.name: node for node in part.nodes}
    for node in part.nodes:
        sources = list(node.sources)
        for index in _copied(part, node, made, placed):
            copy = _copy(f"{node.name}:copy{index}", sources[index], part, node.layer)
            nodes.append(copy)
            sources[index] = copy.name
        nodes.append(replace(node, sources=tuple(sources)))
    return replace(part, nodes=tuple(nodes))


def _copied(part: QGraph, node: QNode, made: dict[str, QNode], placed: set[str]) -> tuple[int, ...]:
    """The operands of a node that are copied first; notes what a concatenation places."""
    if isinstance(node.unit, ScaledAdd):
        other = other_operand(part, node)
        is_input = _root(part, node.sources[other or 0], made) not in made
        if other is None:
            other_is_input = _root(part, node.sources[1], made) not in made
            return (0, 1) if other_is_input else (0,)
        return (other,) if is_input else ()
    if not isinstance(node.unit, Concat):
        return ()
    found = []
    for index, name in enumerate(node.sources):
        if name in placed or name not in made or isinstance(made[name].unit, Gather):
            found.append(index)
        placed.add(name)
    return tuple(found)


def _root(part: QGraph, name: str, made: dict[str, QNode]) -> str:
    """The value whose map `name` lies in, through units that move nothing."""
    while name in made:
        node = made[name]
        if not isinstance(node.unit, Gather) and not is_identity(
            node.unit, part.tensor(node.sources[0])
        ):
            break
        name = node.sources[0]
    return name


def _copy(name: str, source: str, part: QGraph, layer: str) -> QNode:
    tensor = part.tensor(source)
    return QNode(name, Requantize(identity(tensor.shape[2], tensor.type)), (source,), tensor, layer)


def identity(channels: int, kind: IntType) -> Requantization:
    """The requantization that leaves values of a type as they are."""
    return Requantization(Array(np.ones(channels, np.int64)), 0, 1, kind, kind.lo, kind.hi)
