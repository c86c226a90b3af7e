"""The weights of a build that can be loaded at run time: taken out of its network, put into it.

A design does not depend on them: its digest is that of the network without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.lowering.layers import largest_sum
from shiftloom.codegen.qgraph import Mac, QGraph, QNode, Requantize, Unit, WindowReduce
from shiftloom.codegen.requant import NO_OFFSET, Requantization
from shiftloom.codegen.values import Array, IntArray, IntType, nearest

Phi = Literal[1, 2, 4]
PHIS: tuple[Phi, ...] = (1, 2, 4)
_ANY = Qsq()
"""Stands for the format of codes that can be loaded."""


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """Codes and α of a layer, and its bias [C_out] in units of its sums."""

    codes: QuantizedWeights
    bias: Array


@dataclass(frozen=True, slots=True)
class Constants:
    """Multipliers and offsets [C] of a requantization, whose shift is that of the build."""

    m: Array
    offset: Array
    shift: int


@dataclass(frozen=True, slots=True)
class BuildWeights:
    """What is loaded into the build of a design `digest`, by the names of its integer nodes."""

    digest: str
    layers: Mapping[str, LayerWeights]
    constants: Mapping[str, Constants]

    @property
    def weights(self) -> dict[str, QuantizedWeights]:
        """Codes and α by layer."""
        return {name: layer.codes for name, layer in self.layers.items()}

    @property
    def biases(self) -> dict[str, Array]:
        """Integer biases by layer."""
        return {name: layer.bias for name, layer in self.layers.items()}


def weights_of(qgraph: QGraph, digest: str) -> BuildWeights:
    """What the memories of a build hold that can be loaded; refuses a build that has none."""
    layers, constants = {}, {}
    for node in qgraph.nodes:
        unit = node.unit
        if isinstance(unit, Mac) and unit.limit:
            layers[node.name] = LayerWeights(_as_codes(unit.codes), unit.bias)
        if isinstance(unit, Requantize) and unit.is_reloadable:
            function = unit.requantization
            offset = np.broadcast_to(function.offset.data, function.m.data.shape)
            constants[node.name] = Constants(function.m, Array(offset), function.shift)
    if not layers:
        raise ShiftloomError(
            qgraph.name, "has no weights to load", "build with weights: ram in a layer"
        )
    return BuildWeights(digest, layers, constants)


def _as_codes(codes: QuantizedWeights) -> QuantizedWeights:
    """The weights in the 3-bit codes of the hardware, or in 2 bits, with an α for each output."""
    fmt, shape = codes.format, codes.values.data.shape
    largest = max(fmt.levels)
    phi = next(phi for phi in PHIS if largest <= phi)
    mantissa = fmt.spread(codes.mantissa.data, shape)[:, 0, 0, 0]
    return replace(codes, format=Qsq(phi), mantissa=Array(mantissa))


def loaded(qgraph: QGraph, weights: BuildWeights) -> QGraph:
    """The network of a build with other weights.

    Raises ShiftloomError naming the layer whose weights, biases or multipliers the build does not
    hold, that is missing, or that cannot be loaded.
    """
    known = weights_of(qgraph, weights.digest)
    _check_names(known.layers, weights.layers)
    _check_names(known.constants, weights.constants)
    return replace(qgraph, nodes=tuple(_loaded(qgraph, node, weights) for node in qgraph.nodes))


def _check_names(known: Mapping[str, object], given: Mapping[str, object]) -> None:
    for name in given:
        if name not in known:
            raise ShiftloomError(name, "cannot be loaded in this build", nearest(name, known))
    for name in known:
        if name not in given:
            raise ShiftloomError(name, "is missing", "all weights are loaded together")


def _loaded(qgraph: QGraph, node: QNode, weights: BuildWeights) -> QNode:
    unit = node.unit
    if isinstance(unit, Mac) and unit.limit:
        return replace(node, unit=_layer(qgraph, node, unit, weights.layers[node.name]))
    if isinstance(unit, Requantize) and unit.is_reloadable:
        function = _function(node.name, unit.requantization, weights.constants[node.name])
        return replace(node, unit=replace(unit, requantization=function))
    return node


def _layer(qgraph: QGraph, node: QNode, unit: Mac, made: LayerWeights) -> Mac:
    values, shape = made.codes.values.data, unit.weights.data.shape
    if values.shape != shape or made.bias.data.shape != shape[:1]:
        problem = f"weights of shape {values.shape} and {made.bias.data.size} biases"
        raise ShiftloomError(node.name, problem, f"the build has weights of shape {shape}")
    largest = int(np.abs(values).max())
    if largest > unit.limit or not made.codes.is_folded:
        problem = f"codes up to {largest} of {made.codes.format}"
        hint = f"the build holds those up to {unit.limit}, one α an output channel"
        raise ShiftloomError(node.name, problem, hint)
    low, high = bias_range(qgraph, node)
    _check_range(node.name, "bias", made.bias.data, low, high)
    return replace(unit, weights=Array(made.codes.integers), bias=made.bias, codes=made.codes)


def bias_range(qgraph: QGraph, node: QNode) -> tuple[int, int]:
    """The biases of a reloadable layer with which no sum leaves its type."""
    unit, source = node.unit, qgraph.tensor(node.sources[0])
    assert isinstance(unit, Mac)
    largest = largest_sum(unit.limit, unit.lanes, source.type)
    return node.out.type.lo + largest, node.out.type.hi - largest


def _function(name: str, known: Requantization, made: Constants) -> Requantization:
    shape = known.m.data.shape
    if made.m.data.shape != shape or made.offset.data.shape != shape:
        problem = f"{made.m.data.size} multipliers and {made.offset.data.size} offsets"
        raise ShiftloomError(name, problem, f"the build has {known.channels} channels")
    if made.shift != known.shift:
        raise ShiftloomError(name, f"shift {made.shift}", f"the build has {known.shift}")
    _check_range(name, "multiplier", made.m.data, 1, (1 << known.m_bits) - 1)
    low, high = offset_range(known)
    _check_range(name, "offset", made.offset.data, low, high)
    offset = made.offset if made.offset.data.any() else NO_OFFSET
    return replace(known, m=made.m, offset=offset)


def offset_range(function: Requantization) -> tuple[int, int]:
    """The offsets that the memory of a requantization holds; (0, 0) where it has none."""
    bits = function.offset_bits(is_reloadable=True)
    kind = IntType(bits, signed=True)
    return (kind.lo, kind.hi) if bits else (0, 0)


def _check_range(name: str, what: str, values: IntArray, low: int, high: int) -> None:
    for channel, value in enumerate(values.tolist()):
        if not low <= value <= high:
            raise ShiftloomError(
                name,
                f"channel {channel}: {what} {value}, the build holds {low} to {high}",
                "build again with these weights",
            )


def onto(build: QGraph, made: QGraph, digest: str) -> BuildWeights:
    """The reloadable weights of `made`, which is as `build` in all else.

    Raises ShiftloomError naming the first unit that differs, or what the build does not hold.
    """
    for ours, theirs in zip(build.nodes, made.nodes, strict=False):
        if _fixed(ours.unit) != _fixed(theirs.unit) or ours.sources != theirs.sources:
            raise ShiftloomError(
                theirs.name,
                "is another unit than that of the build, and cannot be loaded",
                "change reloadable layers only, give the --config of the build, or build again",
            )
    if len(build.nodes) != len(made.nodes) or build.inputs != made.inputs:
        raise ShiftloomError(made.name, "is another network than that of the build", "build again")
    weights = weights_of(made, digest)
    loaded(build, weights)
    return weights


def without_weights(qgraph: QGraph) -> QGraph:
    """The network with the same values in place of all weights that can be loaded."""
    nodes: list[QNode] = []
    pending: set[str] = set()  # whose scale is that of loaded weights
    for node in qgraph.nodes:
        is_pooled = isinstance(node.unit, WindowReduce) and node.sources[0] in pending
        out = node.out
        if is_pooled or (isinstance(node.unit, Mac) and node.unit.limit):
            pending.add(node.name)
            out = replace(out, scale=Array(np.float64(1)))
        nodes.append(replace(node, unit=_bare(node.unit), out=out))
    return replace(qgraph, nodes=tuple(nodes))


def _bare(unit: Unit) -> Unit:
    """The unit with zeros for codes and biases, and the largest M and C of their widths."""
    if isinstance(unit, Mac) and unit.limit:
        zeros = Array(np.zeros_like(unit.weights.data))
        codes = QuantizedWeights(_ANY, zeros, Array(np.int64(1)), 0)
        bias = Array(np.zeros_like(unit.bias.data))
        return replace(unit, weights=zeros, bias=bias, codes=codes)
    if isinstance(unit, Requantize) and unit.is_reloadable:
        function = unit.requantization
        m = Array(np.full_like(function.m.data, (1 << function.m_bits) - 1))
        offset = Array(np.int64(offset_range(function)[1]))
        return replace(unit, requantization=replace(function, m=m, offset=offset))
    return unit


def _fixed(unit: Unit) -> Unit:
    """What of a unit must be that of the build: not the bounds of logits, nor its offsets."""
    bare = _bare(unit)
    if isinstance(bare, Requantize) and bare.is_reloadable:
        function = bare.requantization
        if function.shift == 0:
            function = replace(function, lo=0, hi=0)
        return replace(bare, requantization=replace(function, offset=NO_OFFSET))
    return bare
