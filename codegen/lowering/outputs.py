"""Network outputs: pending sums as logits, integers times their channel's α in 32 bits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import requant
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering.operand import Integers, Operand
from shiftloom.codegen.lowering.settings import LayerSettings
from shiftloom.codegen.lowering.units import UnitList
from shiftloom.codegen.qgraph import Requantize
from shiftloom.codegen.rationals import floats, per_channel, rationals
from shiftloom.codegen.signed_digits import furthest
from shiftloom.codegen.values import Array, IntArray, IntType

OUTPUT_BITS = 32
"""Width of a logit."""
_EXACT_BITS = 24
"""Multiplier of logits whose scales were imported, as far as 32 bits have room."""


def logits(units: UnitList, settings: LayerSettings, x: Operand) -> Operand:
    """Pending sums with one scale for all channels, with no rounding."""
    value = x.value
    assert isinstance(value, Integers)
    name = f"{x.at}_logits" if units.has(f"{x.at}_requant") else f"{x.at}_requant"
    is_reloadable = value.is_reloadable
    m, bits, scale, steps = _multipliers(name, x, value, settings, is_reloadable)
    x = units.settle(x, steps)
    assert isinstance(x.value, Integers)
    is_plain = x.value.is_uniform and not is_reloadable
    offset = np.zeros_like(m) if is_plain else _offsets(x.value, m)
    zero = x.value.origin if is_plain else 0
    is_scalable = settings.has_scalable_m(x.layer)
    most = furthest(m)[1] if is_scalable else m
    if is_reloadable:
        most = np.full_like(m, (1 << bits) - 1)
    lo, hi = _bounds(x, x.value, most, offset, scale)
    out = IntType(OUTPUT_BITS, signed=True)
    if hi - lo >= out.hi:
        raise ShiftloomError(
            name, f"logits reach {lo} to {hi}, a span beyond {out}", "use a smaller layer"
        )
    offsets = Array(offset) if offset.any() else requant.NO_OFFSET
    function = requant.Requantization(Array(m), 0, bits, out, lo, hi, 0, offsets)
    made = Integers(
        name, out, np.array(lo), np.array(hi), rationals(scale), rationals(zero), ready=True
    )
    reach = x.value.lo, x.value.hi
    units.certificates.append(requant.certify(name, function, function.line, *reach))
    result = Operand(x.at, x.layer, x.shape, made, flat=x.flat)
    units.append(name, result, Requantize(function, is_scalable, is_reloadable), x.value.source)
    return result


def _multipliers(
    name: str, x: Operand, value: Integers, settings: LayerSettings, is_reloadable: bool
) -> tuple[IntArray, int, float, npt.NDArray[np.float64]]:
    """M of each channel, its width, the scale of a logit, and that of each channel's sums.

    Reloadable ones leave room above, or fit the build that they are made for.
    """
    ratios = floats(per_channel(value.scale, x.shape[2]))
    known = settings.replaced(name) if is_reloadable else None
    if known is not None:
        assert isinstance(known.unit, Requantize)
        scale = float(known.out.scale.data)
        made = requant.refit(name, ratios / scale, known.unit.requantization)
        return made.m.data, made.m_bits, scale, made.m.data * scale
    low, high = value.bounds()
    bits, top, room = 4, 1, requant.RELOAD_BITS * is_reloadable
    if is_reloadable or not value.is_uniform:
        wanted = _EXACT_BITS if value.sums is None else settings.multiplier_bits(x.layer)
        bits = min(wanted + room, OUTPUT_BITS - 2 - int(high - low).bit_length())
        top = (1 << max(bits - room, 1)) - 1
    m = np.maximum(np.rint(ratios / ratios.max() * top).astype(np.int64), 1)
    return m, bits, float(ratios.max() / top), m * ratios.max() / top


def _offsets(x: Integers, m: IntArray) -> IntArray:
    """Each channel's zero point in steps of its multiplier."""
    zeros = per_channel(x.zero, len(m))
    return np.array([round(-z * int(k)) for z, k in zip(zeros, m, strict=True)], dtype=np.int64)


def _bounds(x: Operand, value: Integers, m: IntArray, c: IntArray, scale: float) -> tuple[int, int]:
    """The clip range: everything reachable, within the bounds of x."""
    low, high = value.bounds()
    lo = min(0, low * int(m.max()) + int(c.min()))
    hi = max(0, high * int(m.max()) + int(c.max()))
    if x.clip.lo is not None:
        lo = max(lo, round(float(x.clip.lo) / scale))
    if x.clip.hi is not None:
        hi = min(hi, round(float(x.clip.hi) / scale))
    return lo, hi
