"""The builder: each operator of the float graph appends its integer units here, in order.

Raw sums stay pending until an op needs activations; then one requantization takes in α, the scales,
biases, ReLU and the poolings between. Tables, sums and concatenations wait in the same way for the
integers of their values: an imported quantizer names them, else the calibration does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import qgraph, quality
from shiftloom.codegen.formats.given import GivenWeights
from shiftloom.codegen.lowering import layers, routes
from shiftloom.codegen.lowering.affine import transformed
from shiftloom.codegen.lowering.operand import Added, Integers, Joined, Lattice, Looked, Operand
from shiftloom.codegen.lowering.outputs import logits
from shiftloom.codegen.lowering.requantizing import Requantizer
from shiftloom.codegen.lowering.settings import LayerSettings
from shiftloom.codegen.lowering.units import UnitList
from shiftloom.codegen.qgraph import ArgMax, QInput, QTensor, WindowReduce
from shiftloom.codegen.rationals import rationals
from shiftloom.codegen.values import Array, IntType, Shape
from shiftloom.codegen.windows import Window


class IntegerBuilder:
    """Collects the integer units of a network; each method appends and returns an Operand."""

    def __init__(self, settings: LayerSettings) -> None:
        self.settings = settings
        self.units = UnitList()
        self.requantizer = Requantizer(settings, self.units)

    def source(self, name: str, shape: Shape, kind: IntType, scale: float, zero: int) -> Operand:
        """A network input: real value = scale · (q − zero)."""
        tensor = QTensor(shape, kind, Array(np.float64(scale)), zero)
        self.units.inputs.append(QInput(name, tensor))
        lo, hi = np.array(kind.lo), np.array(kind.hi)
        value = Integers(name, kind, lo, hi, rationals(scale), rationals(zero), True)
        return Operand(name, name, shape, value)

    def mac(
        self,
        node: str,
        x: Operand,
        weights: npt.NDArray[Any],
        bias: npt.NDArray[Any],
        window: Window,
        groups: int = 1,
        given: GivenWeights | None = None,
    ) -> Operand:
        """A convolution or fully connected layer on activations; makes pending sums."""
        x = self.activations(x)
        codes = self.settings.weights(node, weights, given)
        scalable = self.settings.is_scalable(node)
        limit = self.settings.reload_limit(node)
        made = layers.layer(node, _integers(x), codes, bias, window, groups, scalable, limit)
        source = (1, 1, math.prod(x.shape)) if x.flat else x.shape
        shape = (*window.output(node, source), len(made.unit.weights.data))
        return self._append(Operand(node, node, shape, made.sums), made.unit, x)

    def reduce(self, node: str, x: Operand, kind: Literal["max", "sum"], window: Window) -> Operand:
        """Pooling; a maximum works on pending sums as well, a sum (mean) on activations only."""
        x = self._integers(x) if kind == "max" else self.activations(x)
        routes.check_map(node, x)
        value = _integers(x)
        shape = (*window.output(node, x.shape), x.shape[2])
        if kind == "max":
            made = replace(x, at=node, shape=shape, value=replace(value, source=node))
            return self._append(made, WindowReduce("max", window), x)
        pad = layers.pad_value(node, value, window)
        total = routes.summed(node, value, math.prod(window.kernel), pad)
        made = Operand(node, x.layer, shape, total)
        return self._append(made, WindowReduce("sum", window, pad), x)

    def affine(
        self, node: str, x: Operand, scale: npt.NDArray[Any], shift: npt.NDArray[Any]
    ) -> Operand:
        """Map to x · scale + shift per channel; by a table where activations change their sign."""
        made = transformed(self.units, self.settings, node, x, scale, shift)
        if made is not None:
            return made
        return self.table(node, x, lambda real: real * scale + shift)

    def clip(self, node: str, x: Operand, lo: float, hi: float) -> Operand:
        """Bounds on the value: the requantization to come keeps them."""
        if isinstance(x.value, Looked):
            function = x.value.function
            value = Looked(x.value.x, lambda real: np.clip(function(real), lo, hi))
            return replace(x, at=node, value=value)
        bounds = (Fraction(v) if math.isfinite(v) else None for v in (lo, hi))
        return routes.unclipped(replace(x, at=node, clip=x.clip.then(*bounds)))

    def quantize(
        self,
        node: str,
        x: Operand,
        scale: float,
        zero: int | Fraction,
        kind: IntType,
        narrow: bool = False,
    ) -> Operand:
        """An imported quantizer, y = clip(round_half_even(x / scale) + zero), exactly.

        A signed type whose zero is its lowest value becomes the unsigned one with zero 0.
        """
        lo = kind.lo + (narrow and kind.signed)
        hi = kind.hi - (narrow and not kind.signed)
        if kind.signed and zero == lo:
            kind, zero, lo, hi = IntType(kind.bits, False), 0, 0, hi - lo
        lattice = Lattice(kind, Fraction(scale), Fraction(zero), lo, hi)
        return self.requantizer.quantize(node, x, lattice)

    def add(self, node: str, a: Operand, b: Operand, signs: tuple[int, int] = (1, 1)) -> Operand:
        """The sum a · signs[0] + b · signs[1] of two activations."""
        a, b = self.activations(a), self.activations(b)
        value = Added(_integers(a), _integers(b), signs)
        return Operand(node, node, a.shape, value, flat=a.flat or b.flat)

    def concat(self, node: str, *xs: Operand) -> Operand:
        """The channels of all operands, one behind the other."""
        for x in xs:
            routes.check_map(node, x)
        shape = (*xs[0].shape[:2], sum(x.shape[2] for x in xs))
        return self.requantizer.joined(Operand(node, node, shape, Joined(tuple(xs))))

    def table(
        self, node: str, x: Operand, function: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
    ) -> Operand:
        """A function of each activation (it may depend on the channel), by a table."""
        if isinstance(x.value, Looked):
            before = x.value.function
            value = Looked(x.value.x, lambda real: function(before(real)))
            return replace(x, at=node, value=value)
        x = self.activations(x)
        return Operand(node, x.layer, x.shape, Looked(_integers(x), function), flat=x.flat)

    def permute(self, node: str, x: Operand, order: tuple[int, ...]) -> Operand:
        """Channel k of the output is channel order[k] of the input."""
        return self._route(node, x, lambda value, shape: routes.permuted(value, shape, order))

    def insert(
        self,
        node: str,
        x: Operand,
        pad: tuple[int, int, int, int],
        gaps: tuple[int, int],
        value: float,
    ) -> Operand:
        """`gaps` rows and columns of a real `value` between pixels, then `pad` around."""
        if not any((*pad, *gaps)):
            return replace(x, at=node)
        x = self.activations(x)
        return self._route(
            node, x, lambda q, shape: routes.inserted(node, q, shape, pad, gaps, value)
        )

    def upsample(self, node: str, x: Operand, factors: tuple[int, int]) -> Operand:
        """Each pixel `factors` (vertical, horizontal) times."""
        return self._route(node, x, lambda value, shape: routes.upsampled(value, shape, factors))

    def crop(self, node: str, x: Operand, top: int, left: int, height: int, width: int) -> Operand:
        """`height` rows and `width` columns from (top, left) on."""
        size = (height, width)
        return self._route(
            node, x, lambda value, shape: routes.cropped(value, shape, (top, left), size)
        )

    def flatten(self, node: str, x: Operand) -> Operand:
        """Read a feature map as a vector; the stream of its elements does not change."""
        return replace(x, flat=x.shape[:2] != (1, 1))

    def argmax(self, node: str, x: Operand) -> Operand:
        """The index of the largest channel; sums of several scales become logits before."""
        routes.check_map(node, x)
        x = self._integers(x)
        value = _integers(x)
        if x.clip.lo is not None or x.clip.hi is not None:
            x = self.activations(x)
        elif not value.is_uniform or value.is_reloadable:
            x = logits(self.units, self.settings, x)
        kind = IntType(max(1, (x.shape[2] - 1).bit_length()), False)
        index = Integers(
            node,
            kind,
            np.array(0),
            np.array(x.shape[2] - 1),
            rationals(1),
            rationals(0),
            True,
        )
        return self._append(Operand(node, node, (*x.shape[:2], 1), index), ArgMax(), x)

    def activations(self, x: Operand) -> Operand:
        """Activations of few bits with one scale: x itself, or its calibrated requantization."""
        return self.requantizer.activations(x)

    def output(self, x: Operand) -> str:
        """The node of a network output: activations and indices as they are, sums as logits."""
        if isinstance(x.value, Integers) and not x.value.ready:
            x = logits(self.units, self.settings, x)
        return _integers(self.activations(x)).source

    def build(self, name: str, outputs: tuple[str, ...]) -> qgraph.QGraph:
        """The checked graph of everything appended."""
        nodes = (
            node if self.settings.readers(node.reference) else replace(node, reference="")
            for node in self.units.nodes
        )
        made = qgraph.QGraph(name, tuple(self.units.inputs), tuple(nodes), outputs)
        return quality.check(qgraph.check(made))

    def _integers(self, x: Operand) -> Operand:
        """The operand as integers, pending or not; tables, sums and concatenations are made."""
        return x if isinstance(x.value, Integers) else self.activations(x)

    def _route(
        self, node: str, x: Operand, route: Callable[[Integers, Shape], routes.Route | None]
    ) -> Operand:
        """Move the elements of x; pending sums of a layer that we quantized become activations."""
        routes.check_map(node, x)
        x = self._integers(x)
        if _integers(x).sums is not None:
            x = self.activations(x)
        made = route(_integers(x), x.shape)
        if made is None:
            return replace(x, at=node)
        value = replace(made.value, source=node)
        return self._append(replace(x, at=node, shape=made.shape, value=value), made.unit, x)

    def _append(self, made: Operand, unit: qgraph.Unit, *sources: Operand) -> Operand:
        self.units.append(made.at, made, unit, *(_integers(x).source for x in sources))
        return made


def _integers(x: Operand) -> Integers:
    assert isinstance(x.value, Integers)
    return x.value
