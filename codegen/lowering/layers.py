"""Layers with weights: integer kernels, biases and the reach of every channel's sum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import qgraph
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.given import Given
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.lowering.operand import Integers, Sums
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.rationals import Rationals, floats, per_channel, rationals
from shiftloom.codegen.signed_digits import furthest, most_digits
from shiftloom.codegen.values import Array, IntArray, IntType
from shiftloom.codegen.windows import Window

BIAS_ROOM = 2
"""Of a reloadable layer: what sums have room for, as a multiple of those without a bias."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A matrix unit with the integers of its sums."""

    unit: Mac
    sums: Integers


def layer(
    node: str,
    x: Integers,
    codes: QuantizedWeights,
    bias: npt.NDArray[Any],
    window: Window,
    groups: int,
    is_scalable: bool,
    limit: int = 0,
) -> Layer:
    """The matrix unit of `codes` on activations x; imported weights keep their bias exactly.

    With a `limit` its sums hold all weights up to that magnitude, and biases as large as these.
    """
    pad = pad_value(node, x, window)
    kernel = codes.integers
    scalable = _scalable(node, codes) if is_scalable else ""
    low, high = x.bounds()
    reach = _reach(_furthest(codes, scalable), min(low, pad), max(high, pad))
    if limit:
        _check_loadable(node, codes, limit)
        room = np.full(len(kernel), BIAS_ROOM * largest_sum(limit, kernel[0].size, x.type))
        reach = -room, room
    scale = per_channel(codes.scale * x.step, len(kernel))
    zeros = rationals(kernel.reshape(len(kernel), -1).sum(axis=1)) * -x.origin
    if isinstance(codes.format, Given):
        offset, rest = _split(node, zeros + rationals(bias.astype(np.float64)) / scale, bias)
        sums = None
    else:
        correction, rest = _split(node, zeros, bias)
        reached = reach[0] + correction, reach[1] + correction
        sums = Sums(bias.astype(np.float64), correction, *reached, limit > 0)
        offset = correction + integer_bias(node, sums.bias, floats(scale))
    lo, hi = reach[0] + offset, reach[1] + offset
    value = Integers(node, pending_type(lo, hi), lo, hi, scale, -rest, False, sums)
    unit = Mac(Array(kernel), Array(offset), window, pad, codes, groups, scalable, limit)
    return Layer(unit, value)


def _scalable(node: str, codes: QuantizedWeights) -> Literal["weight", "alpha"]:
    """What quality cuts of a layer; refuses one without a factor of several digits."""
    cut: IntArray = codes.integers if codes.is_folded else codes.mantissa.data
    if most_digits(cut) < 2:
        raise ShiftloomError(
            node,
            "pe: csd, and every weight has one signed digit at most",
            "use requant: csd, which cuts α in M, or a format of more digits, such as int",
        )
    return "weight" if codes.is_folded else "alpha"


def _furthest(codes: QuantizedWeights, scalable: str) -> tuple[IntArray, IntArray]:
    """The least and the greatest that each integer weight can be, at any quality."""
    if scalable == "weight":
        return furthest(codes.integers)
    if scalable == "alpha":
        values, shape = codes.values.data, codes.values.data.shape
        ends = [codes.format.spread(a, shape) * values for a in furthest(codes.mantissa.data)]
        return np.minimum(*ends), np.maximum(*ends)
    return codes.integers, codes.integers


def largest_sum(limit: int, terms: int, x: IntType) -> int:
    """The largest magnitude of a sum of products, for weights up to `limit`."""
    return limit * terms * max(-x.lo, x.hi)


def _check_loadable(node: str, codes: QuantizedWeights, limit: int) -> None:
    """Refuse weights that no reloadable memory holds."""
    if not codes.is_folded or not set(codes.format.levels) <= set(Qsq().levels):
        raise ShiftloomError(
            node,
            f"weights: ram, and its weights are {codes.format}",
            "use 3-bit codes with one α an output channel, as qsq, or build it with weights: rom",
        )
    largest = int(np.abs(codes.values.data).max())
    if largest > limit:
        raise ShiftloomError(
            node,
            f"a weight of magnitude {largest}, the build holds those up to {limit}",
            f"use phi: {limit}, or build again",
        )


def pad_value(node: str, x: Integers, window: Window) -> int:
    """The integer that stands for a real 0 outside the frame; 0 where nothing is padded."""
    if not any((*window.padding, *window.end)):
        return 0
    zero = x.origin
    if zero.denominator != 1 or not x.type.lo <= zero <= x.type.hi:
        raise ShiftloomError(
            node,
            f"pads with zeros, which are {float(zero):g} in the integers {x.type} of its input",
            "use no padding, or an input that has a zero",
        )
    return int(zero)


def _reach(kernel: tuple[IntArray, IntArray], low: int, high: int) -> tuple[IntArray, IntArray]:
    """Smallest and largest Σ w·x of each channel for x in [low, high], w between two kernels."""
    products = np.stack([w * x for w in kernel for x in (low, high)])
    flat = products.reshape(len(products), len(kernel[0]), -1)
    return flat.min(axis=0).sum(axis=1), flat.max(axis=0).sum(axis=1)


def _split(node: str, offset: Rationals, bias: npt.NDArray[Any]) -> tuple[IntArray, Rationals]:
    """Integers nearest to the offsets, and what is left of them."""
    whole = [round(value) for value in offset.tolist()]
    for channel, value in enumerate(whole):
        if abs(value) >= 1 << qgraph.MAX_SUM_BITS:
            raise _too_large(node, channel, float(bias[channel]), float(value))
    integers = np.array(whole, dtype=np.int64)
    return integers, offset - rationals(integers)


def integer_bias(
    node: str, bias: npt.NDArray[np.float64], scale: npt.NDArray[np.float64]
) -> IntArray:
    """The bias in units of each channel's scale; refuses what no accumulator could hold."""
    with np.errstate(over="ignore", invalid="ignore"):
        offset = np.rint(bias / scale)
    held = np.abs(offset) < 1 << qgraph.MAX_SUM_BITS
    if not held.all():
        worst = int(np.argmin(held))
        raise _too_large(node, worst, float(bias[worst]), float(offset[worst]))
    return np.asarray(offset, dtype=np.int64)


def _too_large(node: str, channel: int, bias: float, steps: float) -> ShiftloomError:
    return ShiftloomError(
        node,
        f"channel {channel}: bias {bias} is {steps:.3g} steps of its weights",
        f"sums have at most {qgraph.MAX_SUM_BITS} bits; check the model",
    )


def pending_type(lo: IntArray, hi: IntArray) -> IntType:
    """The type of sums, with room above the largest for a threshold that none reaches."""
    return IntType.covering(int(lo.min()), int(hi.max()) + 1)


def flipped(unit: Mac, sums: Integers, sign: IntArray) -> Layer:
    """The layer with each output channel's weights and bias times `sign`, −1, 0 or 1."""
    shape = (-1, *(1,) * (unit.weights.data.ndim - 1))
    values = unit.codes.values.data * sign.reshape(shape)
    fmt = unit.codes.format
    if isinstance(fmt, Given):
        bits = IntType.covering(int(values.min()), int(values.max())).bits
        fmt = replace(fmt, bits=max(bits, fmt.bits), signed=True)
    codes = replace(unit.codes, format=fmt, values=Array(values))
    weights = Array(unit.weights.data * sign.reshape(shape))
    bounds = np.stack([sums.lo * sign, sums.hi * sign])
    lo, hi = bounds.min(axis=0), bounds.max(axis=0)
    made = replace(
        sums,
        type=pending_type(lo, hi),
        lo=lo,
        hi=hi,
        zero=sums.zero * np.asarray([Fraction(int(s)) for s in sign], dtype=object),
    )
    bias = Array(unit.bias.data * sign)
    return Layer(replace(unit, weights=weights, bias=bias, codes=codes), made)
