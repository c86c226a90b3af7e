"""Units that move elements or sum them, and what they do to the integers' meaning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering.operand import NO_CLIP, Integers, Operand
from shiftloom.codegen.qgraph import Crop, Gather, Insert, Unit, Upsample
from shiftloom.codegen.rationals import rationals
from shiftloom.codegen.values import IntType, Shape


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A unit, the shape it makes, and the integers that come out."""

    unit: Unit
    shape: Shape
    value: Integers


def check_map(node: str, x: Operand) -> None:
    """Refuse a feature map that is read as one vector where its channels matter."""
    if x.flat and x.shape[:2] != (1, 1):
        raise ShiftloomError(
            node,
            f"reads a flattened feature map of {x.shape}",
            "put it before the Flatten, or a Linear layer between",
        )


def unclipped(x: Operand) -> Operand:
    """The operand without bounds that no integer leaves."""
    if not isinstance(x.value, Integers) or not x.value.is_uniform:
        return x
    low, high = (x.value.step * (q - x.value.origin) for q in x.value.bounds())
    keeps_lo = x.clip.lo is None or low >= x.clip.lo
    keeps_hi = x.clip.hi is None or high <= x.clip.hi
    return replace(x, clip=NO_CLIP) if keeps_lo and keeps_hi else x


def summed(node: str, x: Integers, taps: int, pad: int) -> Integers:
    """Sums over `taps` activations; a real value is their mean."""
    low, high = x.bounds()
    lo, hi = np.array(min(low, pad) * taps), np.array(max(high, pad) * taps)
    kind = IntType.covering(int(lo), int(hi) + 1)
    scale, zero = x.scale / Fraction(taps), x.zero * taps
    return Integers(node, kind, lo, hi, rationals(scale), rationals(zero), False)


def permuted(x: Integers, shape: Shape, order: tuple[int, ...]) -> Route | None:
    """Channel k is channel order[k]; nothing for the identity."""
    if order == tuple(range(shape[2])):
        return None
    moved = replace(
        x,
        lo=_picked(x.lo, order),
        hi=_picked(x.hi, order),
        scale=_picked(x.scale, order),
        zero=_picked(x.zero, order),
    )
    return Route(Gather(order), (*shape[:2], len(order)), moved)


def _picked(values: npt.NDArray[Any], order: tuple[int, ...]) -> npt.NDArray[Any]:
    return values if values.ndim == 0 else values[list(order)]


def inserted(
    node: str,
    x: Integers,
    shape: Shape,
    pad: tuple[int, int, int, int],
    gaps: tuple[int, int],
    value: float,
) -> Route:
    """Pixels of a real `value` between and around those of x."""
    q = Fraction(value) / x.step + x.origin
    if q.denominator != 1 or not x.type.lo <= q <= x.type.hi:
        raise ShiftloomError(
            node,
            f"inserts {value:g}, which is {float(q):g} in the integers {x.type} of its input",
            "use a value that they hold, such as 0",
        )
    top, left, bottom, right = pad
    height = shape[0] + (shape[0] - 1) * gaps[0] + top + bottom
    width = shape[1] + (shape[1] - 1) * gaps[1] + left + right
    low, high = x.bounds()
    made = replace(x, lo=np.array(min(low, int(q))), hi=np.array(max(high, int(q))))
    return Route(Insert(pad, gaps, int(q)), (height, width, shape[2]), made)


def upsampled(x: Integers, shape: Shape, factors: tuple[int, int]) -> Route | None:
    """Each pixel several times; nothing for factors of 1."""
    if factors == (1, 1):
        return None
    size = (shape[0] * factors[0], shape[1] * factors[1], shape[2])
    return Route(Upsample(factors), size, x)


def cropped(
    x: Integers, shape: Shape, corner: tuple[int, int], size: tuple[int, int]
) -> Route | None:
    """A part of the rows and columns; nothing for all of them."""
    if size == shape[:2]:
        return None
    return Route(Crop(*corner), (*size, shape[2]), x)


def joined(a: Integers, b: Integers) -> Integers:
    """The channels of two activations of the same integers."""
    low, high = zip(a.bounds(), b.bounds(), strict=True)
    return replace(a, lo=np.array(min(low)), hi=np.array(max(high)))
