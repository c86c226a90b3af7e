"""Affine maps of values: new scales and zero points, no hardware."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import layers
from shiftloom.codegen.lowering.operand import NO_CLIP, Clip, Integers, Operand
from shiftloom.codegen.lowering.settings import LayerSettings
from shiftloom.codegen.lowering.units import UnitList
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.rationals import per_channel, rationals
from shiftloom.codegen.values import IntArray


def transformed(
    units: UnitList,
    settings: LayerSettings,
    node: str,
    x: Operand,
    scale: npt.NDArray[Any],
    shift: npt.NDArray[Any],
) -> Operand | None:
    """Another meaning of the same integers, x · scale + shift; None where that cannot be."""
    if not (np.isfinite(scale).all() and np.isfinite(shift).all()):
        raise ShiftloomError(node, "its scale or shift is not finite", "check the model")
    factor, added = (np.broadcast_to(v, (x.shape[2],)) for v in (scale, shift))
    clip = _clip(x.clip, factor, added)
    if not isinstance(x.value, Integers) or clip is None:
        return None
    value = x.value
    if (factor <= 0).any():
        sign = np.sign(factor).astype(np.int64)
        flipped = _flipped(units, settings, x, value, sign)
        if flipped is None:
            return None
        value, factor = flipped, np.where(factor == 0, 1.0, np.abs(factor))
    return replace(x, at=node, value=_mapped(value, factor, added), clip=clip)


def _clip(clip: Clip, scale: npt.NDArray[Any], shift: npt.NDArray[Any]) -> Clip | None:
    """The bounds of the map's value; None where they differ from channel to channel."""
    if clip == NO_CLIP:
        return clip
    if (scale <= 0).any() or (scale != scale[0]).any() or (shift != shift[0]).any():
        return None
    factor, added = Fraction(float(scale[0])), Fraction(float(shift[0]))
    lo, hi = (None if b is None else b * factor + added for b in (clip.lo, clip.hi))
    return Clip(lo, hi)


def _mapped(x: Integers, scale: npt.NDArray[Any], shift: npt.NDArray[Any]) -> Integers:
    """The same integers with their real values times a positive scale, plus a shift."""
    channels = len(scale)
    if x.sums is not None:
        bias = x.sums.bias * scale + shift
        factors = rationals(scale)
        return replace(x, scale=x.scale * factors, sums=replace(x.sums, bias=bias))
    steps = per_channel(x.scale, channels) * rationals(scale)
    zeros = per_channel(x.zero, channels) - rationals(shift) / steps
    made = replace(x, scale=steps, zero=zeros)
    if not made.is_uniform:
        return replace(made, ready=False)
    return replace(made, scale=rationals(steps[0]), zero=rationals(zeros[0]))


def _flipped(
    units: UnitList, settings: LayerSettings, x: Operand, value: Integers, sign: IntArray
) -> Integers | None:
    """Sums with channels negated (or zeroed), if nothing else reads those of the layer."""
    last = units.nodes[-1] if units.nodes else None
    if last is None or last.name != value.source or not isinstance(last.unit, Mac):
        return None
    if value.sums is not None or settings.readers(x.at) != 1:
        return None
    made = layers.flipped(last.unit, value, sign)
    units.exchange(last.name, made.unit, replace(x, value=made.sums))
    return made.sums
