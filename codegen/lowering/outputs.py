"""Network outputs: pending sums as logits, integers times their channel's α in 32 bits."""

from __future__ import annotations

import numpy as np

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
    ratios = floats(per_channel(value.scale, x.shape[2]))
    low, high = value.bounds()
    bits, top = 4, 1
    if not value.is_uniform:
        wanted = _EXACT_BITS if value.sums is None else settings.multiplier_bits(x.layer)
        bits = min(wanted, OUTPUT_BITS - 2 - int(high - low).bit_length())
        top = (1 << max(bits, 1)) - 1
    m = np.maximum(np.rint(ratios / ratios.max() * top).astype(np.int64), 1)
    x = units.settle(x, m * ratios.max() / top)
    assert isinstance(x.value, Integers)
    scale = ratios.max() / top
    offset = np.zeros_like(m) if x.value.is_uniform else _offsets(x.value, m)
    zero = x.value.origin if x.value.is_uniform else 0
    is_scalable = settings.has_scalable_m(x.layer)
    most = furthest(m)[1] if is_scalable else m
    lo, hi = _bounds(x, x.value, most, offset, scale)
    name = f"{x.at}_logits" if units.has(f"{x.at}_requant") else f"{x.at}_requant"
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
    units.append(name, result, Requantize(function, is_scalable), x.value.source)
    return result


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
