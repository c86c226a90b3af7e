"""Quality: how many signed digits of an operand a layer uses, chosen while the hardware runs.

A scalable unit multiplies by csd_K(a) in the place of a, where K is its quality: the weights of a
`Mac`, the α of its short vectors, or the M of a `Requantize`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.qgraph import Mac, QGraph, QNode, Requantize, Unit
from shiftloom.codegen.signed_digits import kept, most_digits, rows_for
from shiftloom.codegen.values import Array, IntArray, nearest

Quality = Mapping[str, int]
"""K by the name of a node; one that is not named uses all digits."""
EXACT: Quality = MappingProxyType({})
Operand = Literal["weight", "alpha", "m"]
QUALITY_BITS = 4
"""Width of K in hardware."""
MOST = (1 << QUALITY_BITS) - 1
"""Largest K."""
MAX_ROWS = 13
"""Pairs of digits that hardware multiplies by: those of 24 bits without sign."""


@dataclass(frozen=True, slots=True)
class Scalable:
    """A node whose quality can be chosen, 1 to `most`, where it is exact; and what K cuts."""

    node: str
    layer: str
    operand: Operand
    most: int


def operand_of(unit: Unit) -> tuple[Operand, IntArray] | None:
    """What K cuts of a unit, and its integers; None of a unit that has no K."""
    if isinstance(unit, Mac) and unit.scalable == "weight":
        return "weight", unit.weights.data
    if isinstance(unit, Mac) and unit.scalable == "alpha":
        return "alpha", unit.codes.mantissa.data
    if isinstance(unit, Requantize) and unit.is_scalable:
        return "m", unit.requantization.m.data
    return None


def scalable(qgraph: QGraph) -> tuple[Scalable, ...]:
    """The nodes that have a quality, in execution order."""
    found = []
    for node in qgraph.nodes:
        if operand := operand_of(node.unit):
            word, values = operand
            found.append(Scalable(node.name, node.layer, word, max(1, most_digits(values))))
    return tuple(found)


def check(qgraph: QGraph) -> QGraph:
    """Reject operands of more digits than hardware multiplies by; returns the graph unchanged."""
    for node in qgraph.nodes:
        operand = operand_of(node.unit)
        rows = 0 if operand is None else rows_for(operand[1])
        if rows > MAX_ROWS:
            raise ShiftloomError(
                node.name,
                f"multiplies by {rows} pairs of signed digits, the limit is {MAX_ROWS}",
                f"use requant: mult_shift for {node.layer}",
            )
    return qgraph


def reduced(qgraph: QGraph, quality: Quality) -> QGraph:
    """The network that hardware computes at this quality; raises ShiftloomError for a bad one."""
    if not quality:
        return qgraph
    _check(scalable(qgraph), quality)
    nodes = tuple(_reduced(node, quality.get(node.name)) for node in qgraph.nodes)
    return replace(qgraph, nodes=nodes)


def of_units(units: tuple[Scalable, ...], quality: Quality) -> tuple[int, ...]:
    """K of each of a design's units; one that is not named uses all digits.

    Raises ShiftloomError as `reduced` does.
    """
    _check(units, quality)
    return tuple(quality.get(unit.node, unit.most) for unit in units)


def _check(units: tuple[Scalable, ...], quality: Quality) -> None:
    known = {unit.node: unit for unit in units}
    for name, k in quality.items():
        if name not in known:
            hint = nearest(name, tuple(known)) if known else "build it with pe: csd or requant: csd"
            raise ShiftloomError(name, "has no quality to choose", hint)
        if not 1 <= k <= MOST:
            hint = f"use 1 to {MOST}; {known[name].most} are exact"
            raise ShiftloomError(name, f"quality {k} is out of range", hint)


def _reduced(node: QNode, k: int | None) -> QNode:
    unit = node.unit
    if k is None:
        return node
    if isinstance(unit, Mac) and unit.scalable == "weight":
        return replace(node, unit=replace(unit, weights=Array(kept(unit.weights.data, k))))
    if isinstance(unit, Mac):
        codes = replace(unit.codes, mantissa=Array(kept(unit.codes.mantissa.data, k)))
        spread = codes.format.spread(codes.mantissa.data, codes.values.data.shape)
        weights = Array(codes.values.data * spread)
        return replace(node, unit=replace(unit, weights=weights, codes=codes))
    assert isinstance(unit, Requantize)
    function = replace(unit.requantization, m=Array(kept(unit.requantization.m.data, k)))
    return replace(node, unit=replace(unit, requantization=function))
