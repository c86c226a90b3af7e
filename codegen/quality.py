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
from shiftloom.codegen.signed_digits import kept, most_digits
from shiftloom.codegen.values import Array, IntArray, nearest

Quality = Mapping[str, int]
"""K by the name of a node; one that is not named uses all digits."""
EXACT: Quality = MappingProxyType({})
Operand = Literal["weight", "alpha", "m"]
QUALITY_BITS = 4
"""Width of K in hardware; operands have at most 12 non-zero digits, in 24 bits."""


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


def reduced(qgraph: QGraph, quality: Quality) -> QGraph:
    """The network that hardware computes at this quality; raises ShiftloomError for a bad one."""
    if not quality:
        return qgraph
    known = {each.node: each for each in scalable(qgraph)}
    for name, k in quality.items():
        if name not in known:
            hint = nearest(name, tuple(known)) if known else "no layer of this network has one"
            raise ShiftloomError(name, "has no quality to choose", hint)
        if not 1 <= k < 1 << QUALITY_BITS:
            limit = f"use 1 to {known[name].most}"
            raise ShiftloomError(name, f"quality {k} keeps no such number of digits", limit)
    nodes = tuple(_reduced(node, quality.get(node.name)) for node in qgraph.nodes)
    return replace(qgraph, nodes=nodes)


def of_units(units: tuple[Scalable, ...], quality: Quality) -> tuple[int, ...]:
    """K of each of a design's units; one that is not named uses all digits.

    Raises ShiftloomError for a node that none of them belongs to.
    """
    known = {unit.node for unit in units}
    for name in quality:
        if name not in known:
            hint = nearest(name, tuple(sorted(known))) if known else "none of the design has one"
            raise ShiftloomError(name, "has no register for its quality", hint)
    return tuple(quality.get(unit.node, unit.most) for unit in units)


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
