"""From pending values to activations: requantizations, tables, scaled adds, common scales.

Where the calibration chooses the integers, or we quantized the weights, the multipliers (M, S) are
the definition. Everything imported is exact: it equals the rational reference wherever reachable.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import requant
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import adding, routes, tables
from shiftloom.codegen.lowering.operand import (
    NO_CLIP,
    Added,
    Integers,
    Joined,
    Lattice,
    Looked,
    Operand,
)
from shiftloom.codegen.lowering.settings import LayerSettings
from shiftloom.codegen.lowering.units import UnitList
from shiftloom.codegen.qgraph import Concat, Requantize, ScaledAdd, Table, Unit
from shiftloom.codegen.rationals import floats, per_channel, rationals
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.requant_fit import fit_exact, fit_sign
from shiftloom.codegen.steps import Line
from shiftloom.codegen.values import Array, IntType


class Requantizer:
    """Makes activations of operands, each calibrated float value once."""

    def __init__(self, settings: LayerSettings, units: UnitList) -> None:
        self._settings = settings
        self._units = units
        self._made: dict[str, Operand] = {}

    def activations(self, x: Operand) -> Operand:
        """Activations of x: itself, or on the integers that the calibration chooses."""
        if isinstance(x.value, Integers) and x.value.ready and x.clip == NO_CLIP:
            return x
        if x.at not in self._made:
            self._made[x.at] = self._calibrated(x)
        return replace(self._made[x.at], flat=x.flat)

    def quantize(self, node: str, x: Operand, lattice: Lattice) -> Operand:
        """The operand on the integers of an imported quantizer."""
        if isinstance(x.value, Joined):
            parts = tuple(
                self._onto(f"{node}_{i}", "", part, lattice, False)
                for i, part in enumerate(x.value.parts)
            )
            return self._concatenated(node, x, parts)
        if isinstance(x.value, Integers) and _is_identity(x, x.value, lattice):
            return replace(x, at=node, value=replace(x.value, ready=True), clip=NO_CLIP)
        return self._onto(node, node, x, lattice, False)

    def joined(self, x: Operand) -> Operand:
        """A concatenation: made at once where its parts are activations of the same integers."""
        assert isinstance(x.value, Joined)
        parts = x.value.parts
        if len(parts) == 1:
            return replace(parts[0], at=x.at)
        first = _lattice_of(parts[0])
        same = first is not None and all(_lattice_of(part) == first for part in parts)
        return self._concatenated(x.at, x, parts) if same else x

    def _calibrated(self, x: Operand) -> Operand:
        name = f"{x.at}_requant"
        if isinstance(x.value, Joined):
            return self._on_common_scale(x, x.value)
        if isinstance(x.value, Integers) and x.value.ready:
            lattice = _own_lattice(x.value)
            if _holds_clip(x, lattice):
                return self._onto(name, x.at, x, lattice, False)
        return self._onto(name, x.at, x, self._lattice(x, self._is_signed(x)), True)

    def _on_common_scale(self, x: Operand, value: Joined) -> Operand:
        parts = tuple(self._integers(part) for part in value.parts)
        lattice = self._lattice(x, any(self._is_signed(part) for part in parts))
        made = []
        for i, part in enumerate(parts):
            made.append(self._onto(f"{x.at}_{i}_requant", part.at, part, lattice, True))
        return self._concatenated(x.at, x, tuple(made))

    def _integers(self, x: Operand) -> Operand:
        return self.activations(x) if isinstance(x.value, Joined) else x

    def _is_signed(self, x: Operand) -> bool:
        """Whether values below 0 occur."""
        if x.clip.lo is not None and x.clip.lo >= 0:
            return False
        if isinstance(x.value, Integers):
            return bool((rationals(x.value.lo) < x.value.zero).any())
        if isinstance(x.value, Looked):
            return bool((tables.reals(x.at, x.value, x.shape[2]) < 0).any())
        assert isinstance(x.value, Added)
        return adding.least(x.value) < 0

    def _lattice(self, x: Operand, is_signed: bool) -> Lattice:
        """The integers that the calibration chooses for the value of x."""
        bits = self._settings.activation_bits(x.layer)
        if bits == 1 and is_signed:
            scale = 2 * self._settings.sign_scale(x.at)
            return Lattice(IntType(1, False), Fraction(scale), Fraction(1, 2), 0, 1)
        out = IntType(bits, is_signed)
        scale = self._settings.full_scale(x.at, out) / out.hi
        return Lattice(out, Fraction(scale), Fraction(0), out.lo, out.hi)

    def _onto(self, name: str, at: str, x: Operand, lattice: Lattice, ours: bool) -> Operand:
        """Append the unit `name` that puts x on a lattice; `ours`: (M, S) may define it."""
        lattice = lattice.clipped(x.clip)
        if isinstance(x.value, Looked):
            tables.check(name, x.value.x)
            table = tables.table(tables.reals(name, x.value, x.shape[2]), lattice)
            return self._append(name, at, x, table, lattice, x.value.x.source)
        if isinstance(x.value, Added):
            sources = x.value.a.source, x.value.b.source
            add = self._added(name, x.layer, x.value, lattice, ours)
            return self._append(name, at, x, add, lattice, *sources)
        value = x.value
        assert isinstance(value, Integers)
        if lattice.is_sign:
            if value.is_reloadable:
                raise ShiftloomError(
                    name,
                    "weights: ram, and activations of one bit",
                    "use activation_bits: 2 or more, or build it with weights: rom",
                )
            x, function = self._sign(name, x, lattice)
        elif value.sums is not None or (ours and not value.ready):
            x, function = self._defined(name, x, lattice)
        else:
            function = self._exact(name, value, x.shape[2], lattice)
        assert isinstance(x.value, Integers)
        unit = _cheapest(x.value, function)
        if isinstance(unit, Requantize) and function.steps is None:
            scalable = self._settings.has_scalable_m(x.layer)
            unit = replace(unit, is_scalable=scalable, is_reloadable=value.is_reloadable)
        return self._append(name, at, x, unit, lattice, x.value.source)

    def _added(
        self, name: str, layer: str, value: Added, lattice: Lattice, ours: bool
    ) -> ScaledAdd:
        if ours:
            return adding.approximate(value, lattice, self._settings.multiplier_bits(layer))
        unit, certificate = adding.exact(name, value, lattice)
        self._units.certificates.append(certificate)
        return unit

    def _append(
        self, name: str, at: str, x: Operand, unit: Unit, lattice: Lattice, *sources: str
    ) -> Operand:
        made = Operand(at, x.layer, x.shape, _activations(name, lattice), flat=x.flat)
        self._units.append(name, made, unit, *sources)
        return made

    def _concatenated(self, name: str, x: Operand, parts: tuple[Operand, ...]) -> Operand:
        """A chain of concatenations of two."""
        total = parts[0]
        for i, part in enumerate(parts[1:], 1):
            last = i == len(parts) - 1
            made_name = name if last else f"{name}_first{i + 1}"
            a, b = total.value, part.value
            assert isinstance(a, Integers)
            assert isinstance(b, Integers)
            shape = (*x.shape[:2], total.shape[2] + part.shape[2])
            value = replace(routes.joined(a, b), source=made_name)
            total = Operand(x.at if last else "", x.layer, shape, value)
            self._units.append(made_name, total, Concat(), a.source, b.source)
        return total

    def _defined(self, name: str, x: Operand, lattice: Lattice) -> tuple[Operand, Requantization]:
        """Multipliers of few bits, which define the activations; the biases follow them."""
        value = x.value
        assert isinstance(value, Integers)
        scale = float(lattice.scale)
        ratios = floats(per_channel(value.scale, x.shape[2])) / scale
        function = self._multipliers(name, x, ratios, lattice)
        x = self._units.settle(x, np.ldexp(function.m.data * scale, -function.shift))
        assert isinstance(x.value, Integers)
        function = replace(function, zero=int(lattice.zero))
        if any(zero != 0 for zero in x.value.zero.ravel()):
            offset = [round(z) for z in -x.value.zero.ravel() * function.m.data]
            function = replace(function, offset=Array(np.array(offset, dtype=np.int64)))
        certificate = requant.certify(name, function, function.line, x.value.lo, x.value.hi)
        self._units.certificates.append(certificate)
        return x, function

    def _multipliers(
        self, name: str, x: Operand, ratios: npt.NDArray[np.float64], lattice: Lattice
    ) -> Requantization:
        """The multipliers of real ratios; reloadable ones leave room above, or fit a build."""
        assert isinstance(x.value, Integers)
        bits = self._settings.multiplier_bits(x.layer)
        is_reloadable = x.value.is_reloadable
        known = self._settings.replaced(name) if is_reloadable else None
        if known is not None:
            assert isinstance(known.unit, Requantize)
            return requant.refit(name, ratios, known.unit.requantization)
        function = requant.fit(name, ratios, bits, lattice.type, lattice.lo, lattice.hi)
        return replace(function, m_bits=bits + requant.RELOAD_BITS * is_reloadable)

    def _exact(self, name: str, x: Integers, channels: int, lattice: Lattice) -> Requantization:
        """The requantization equal to the rational reference on every reachable sum."""
        function, certificate = fit_exact(
            name,
            _line(x, channels, lattice.scale),
            int(lattice.zero),
            lattice.lo,
            lattice.hi,
            lattice.type,
            (x.lo, x.hi),
        )
        self._units.certificates.append(certificate)
        return function

    def _sign(self, name: str, x: Operand, lattice: Lattice) -> tuple[Operand, Requantization]:
        """The exact sign of each value, 1 for 0."""
        assert isinstance(x.value, Integers)
        x = self._units.settle(x, floats(per_channel(x.value.scale, x.shape[2])), keep_rest=True)
        assert isinstance(x.value, Integers)
        line = _line(x.value, x.shape[2], lattice.scale)
        reach = (x.value.lo, x.value.hi)
        function, certificate = fit_sign(name, line, lattice.type, reach)
        self._units.certificates.append(certificate)
        return x, function


def _line(x: Integers, channels: int, scale: Fraction) -> Line:
    ratio = per_channel(x.scale / scale, channels)
    return Line(ratio, -ratio * per_channel(x.zero, channels))


def _cheapest(x: Integers, function: Requantization) -> Unit:
    """A table of activations of few bits, unless no multiplication is needed."""
    needs_product = int(function.m.data.max()) > 1 or function.steps is not None
    if not (x.ready and x.type.bits <= tables.MAX_TABLE_BITS and needs_product):
        return Requantize(function)
    values = function.apply(np.clip(tables.codes(x), *x.bounds())[:, None])
    return Table(Array(values[:, 0] if (values == values[:, :1]).all() else values.T))


def _activations(source: str, lattice: Lattice) -> Integers:
    lo, hi = np.array(lattice.lo), np.array(lattice.hi)
    scale, zero = rationals(lattice.scale), rationals(lattice.zero)
    return Integers(source, lattice.type, lo, hi, scale, zero, True)


def _own_lattice(x: Integers) -> Lattice:
    return Lattice(x.type, x.step, x.origin, *x.bounds())


def _lattice_of(x: Operand) -> tuple[IntType, Fraction, Fraction] | None:
    """What two activations must share to be read as one; None for pending values."""
    if not isinstance(x.value, Integers) or not x.value.ready or x.clip != NO_CLIP:
        return None
    return x.value.type, x.value.step, x.value.origin


def _holds_clip(x: Operand, lattice: Lattice) -> bool:
    """Whether the bounds of x are integers of its lattice, so that clipping is exact."""
    bounds = [bound for bound in (x.clip.lo, x.clip.hi) if bound is not None]
    places = [bound / lattice.scale + lattice.zero for bound in bounds]
    return not lattice.is_sign and all(place.denominator == 1 for place in places)


def _is_identity(x: Operand, value: Integers, lattice: Lattice) -> bool:
    """Whether x is on the lattice already, up to another zero point."""
    if value.sums is not None or not value.is_uniform or value.step != lattice.scale:
        return False
    moved = lattice.zero - value.origin
    bounds = lattice.clipped(x.clip)
    low, high = value.bounds()
    return moved.denominator == 1 and bounds.lo <= low + moved and high + moved <= bounds.hi
