"""Nodes that move whole maps: Concat, Pad, Resize and Upsample, and Expand or Tile of nothing."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from shiftloom.codegen.frontends.blocks import concatenate, padded, repeated
from shiftloom.codegen.frontends.emitter import Emitter, check_size
from shiftloom.codegen.frontends.onnx.call import Call
from shiftloom.codegen.frontends.views import Feature
from shiftloom.codegen.values import IntArray


def _concat(emit: Emitter, call: Call) -> Feature:
    parts = [call.feature(index) for index in range(len(call.inputs))]
    rank = len(parts[0].dims) + 1
    axis = call.integer("axis", 1)
    if not -rank <= axis < rank or axis % rank == 0:
        raise call.refuse(f"axis={axis}", "join channels, axis=1")
    if any(x.integers != parts[0].integers for x in parts):
        raise call.refuse("joins integers of several scales", "use one scale for all")
    return parts[0] if len(parts) == 1 else concatenate(emit, call.name, parts, axis % rank - 1)


def _pads(call: Call, rank: int) -> list[tuple[int, int]]:
    """(before, after) of each dimension."""
    pads = call.whole_attribute_or_input("pads", 1)
    axes = call.whole(3) if call.has(3) else tuple(range(rank))
    if pads is None or len(pads) != 2 * len(axes) or any(not -rank <= a < rank for a in axes):
        raise call.refuse(f"pads={list(pads or ())[:16]}", f"give {2 * rank} numbers")
    found = [(0, 0)] * rank
    for i, axis in enumerate(axes):
        found[axis % rank] = (pads[i], pads[i + len(axes)])
    return found


def _pad(emit: Emitter, call: Call) -> Feature:
    x = call.feature()
    call.only("mode", call.text("mode", "constant"), "constant")
    sides = _pads(call, len(x.dims) + 1)
    if sides[0] != (0, 0):
        raise call.refuse("pads the batch", "pad rows and columns")
    value = call.scalar(2) if call.has(2) else call.real("value", 0.0)
    if x.integers is not None:
        value = (value - x.integers.zero) * x.integers.scale
    return padded(emit, call.name, x, sides[1:], value)


def _factors(call: Call, x: Feature) -> list[tuple[Fraction, int]]:
    """Exact factor and output size of each dimension of x.dims."""
    rank = len(x.dims) + 1
    axes = call.integers("axes") or tuple(range(rank))
    at = {"Upsample": (1, None)}.get(call.kind, (1, None) if call.opset < 11 else (2, 3))
    sizes = call.whole(at[1]) if at[1] is not None and call.has(at[1]) else ()
    scales = call.constant(at[0]).value.ravel().tolist() if call.has(at[0]) else []
    count = len(sizes or scales)
    if count != len(axes) or any(not -rank <= axis < rank for axis in axes):
        raise call.refuse(f"{count} scales or sizes", f"give {len(axes)}")
    found = [(Fraction(1), size) for size in (1, *x.dims)]
    for i, axis in enumerate(axes):
        old = found[axis % rank][1]
        scale = Fraction(sizes[i], old) if sizes else Fraction(float(scales[i]))
        if not 0 < scale * old < 1 << 26:
            raise call.refuse(f"scale {float(scale):g}", "use a positive scale")
        found[axis % rank] = (scale, sizes[i] if sizes else math.floor(scale * old))
    if found[0] != (Fraction(1), 1):
        raise call.refuse("scales the batch", "scale rows and columns")
    check_size(call.name, tuple(size for _, size in found))
    return found[1:]


def _nearest(call: Call, size: int, scale: Fraction, out: int) -> IntArray:
    """The input index of each output index, by the formulas of ONNX's Resize, exactly."""
    mode = call.text("coordinate_transformation_mode", "half_pixel")
    rounding = call.text("nearest_mode", "round_prefer_floor")
    if call.kind == "Upsample" or call.opset < 11:
        mode, rounding = "asymmetric", "floor"
    n, d = _places(call, mode, size, scale, out)
    floors = {
        "floor": n // d,
        "ceil": -(-n // d),
        "round_prefer_floor": -((d - 2 * n) // (2 * d)),
        "round_prefer_ceil": (2 * n + d) // (2 * d),
    }
    call.only("nearest_mode", rounding, *floors)
    picked: IntArray = np.clip(floors[rounding], 0, size - 1)
    return picked


def _places(call: Call, mode: str, size: int, scale: Fraction, out: int) -> tuple[IntArray, int]:
    """The input coordinate of each output index, as numerators and a common denominator."""
    i, (p, q) = np.arange(out), scale.as_integer_ratio()
    if max(p, q) >= 1 << 32:
        raise call.refuse(f"scale {float(scale):g}", "use a scale nearer to 1")
    modes = {
        "half_pixel": ((2 * i + 1) * q - p, 2 * p),
        "pytorch_half_pixel": ((2 * i + 1) * q - p if out > 1 else 0 * i, 2 * p),
        "asymmetric": (i * q, p),
        "align_corners": (i * (size - 1), max(out - 1, 1)),
    }
    call.only("coordinate_transformation_mode", mode, *modes)
    return modes[mode]


def _is_even(picked: IntArray) -> bool:
    """Ascending in equal steps."""
    steps = np.diff(picked)
    return steps.size == 0 or bool(steps[0] > 0 and (steps == steps[0]).all())


def _resize(emit: Emitter, call: Call) -> Feature:
    x = call.feature()
    call.only("mode", call.text("mode", "nearest"), "nearest")
    policy = call.text("keep_aspect_ratio_policy", "stretch")
    call.only("keep_aspect_ratio_policy", policy, "stretch")
    repeats = []
    for axis, (scale, out) in enumerate(_factors(call, x)):
        size = x.dims[axis]
        picked = _nearest(call, size, scale, out)
        factor = max(out // size, 1)
        if np.array_equal(picked, np.arange(size * factor) // factor):
            repeats.append(factor)
        elif _is_even(picked):
            x = x.viewed(np.take(x.elements, picked, axis=axis))
            repeats.append(1)
        else:
            raise call.refuse(f"scale {float(scale):g} repeats unevenly", "use whole factors")
    return repeated(emit, call.name, x, repeats)


def _repeat_nothing(emit: Emitter, call: Call) -> Feature:
    """Expand and Tile that leave the shape as it is."""
    x = call.feature()
    stated = call.whole(1)
    own = (1,) * (len(x.dims) + 1) if call.kind == "Tile" else (call.batch, *x.dims)
    one = all(size in (1, mine) for size, mine in zip(stated[::-1], own[::-1], strict=False))
    if len(stated) > len(own) or not one:
        raise call.refuse(f"repeats {[call.batch, *x.dims]} as {list(stated)[:8]}", "use Resize")
    return x


HANDLERS = (
    ("Concat", _concat),
    ("Pad", _pad),
    ("Resize", _resize),
    ("Upsample", _resize),
    ("Expand", _repeat_nothing),
    ("Tile", _repeat_nothing),
)
