"""What every front end builds of views: sums, constants by channel, joins, borders, repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.emitter import Emitter, check_size
from shiftloom.codegen.frontends.views import AnyArray, Arrangement, Feature
from shiftloom.codegen.graph import Op
from shiftloom.codegen.ops import (
    Add,
    Affine,
    AvgPool2d,
    Bipolar,
    Clip,
    Concat,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    MaxPool2d,
    Pad,
    PRelu,
    Product,
    Quantize,
    Relu,
    Sigmoid,
    Tanh,
    Upsample,
)
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Pair, Window

_T = TypeVar("_T")


def add(emit: Emitter, name: str, a: Feature, b: Feature, signs: Pair = (1, 1)) -> Feature:
    """The signed sum of two views of the same shape."""
    if a.dims != b.dims:
        raise ShiftloomError(
            name, f"adds {list(a.dims)} and {list(b.dims)}", "give two inputs of the same shape"
        )
    if _aligned(a, b):
        maps = ((a.name, a.arrangement.shape), (b.name, b.arrangement.shape))
        made = emit.layer(name, Add(signs), *maps)
        return Feature(made.name, a.arrangement, a.dims, a.view)
    maps = (emit.map(name, a), emit.map(name, b))
    return emit.layer(name, Add(signs), *maps, dims=a.dims)


def _aligned(a: Feature, b: Feature) -> bool:
    """The maps of both stand alike, so that their views need no work."""
    if a.arrangement.open or b.arrangement.open or a.arrangement.shape != b.arrangement.shape:
        return False
    if a.view is None and b.view is None and a.arrangement.axis == b.arrangement.axis:
        return a.arrangement.axis is not None
    return np.array_equal(a.places(a.elements), b.places(b.elements))


ELEMENTWISE = (
    *(Affine, Bipolar, Clip, HardSigmoid, HardSwish, LeakyRelu, PRelu, Product, Quantize),
    *(Relu, Sigmoid, Tanh),
)
"""Operators whose results depend on one element each."""


def product(emit: Emitter, name: str, a: Feature, b: Feature) -> Feature:
    """The product of two functions of the same value, each computed element by element."""
    chains = _chains(emit, a.name), _chains(emit, b.name)
    root = next((value for value in chains[0] if value in chains[1]), None)
    alike = a.arrangement is b.arrangement and np.array_equal(a.elements, b.elements)
    if root is None or not alike:
        raise ShiftloomError(
            name,
            "a product of two computed values",
            "use factors that are constants, or functions of the same value as x · sigmoid(x)",
        )
    op = Product(chains[0][root], chains[1][root])
    return emit.elementwise(name, op, replace(a, name=root))


def _chains(emit: Emitter, name: str) -> dict[str, tuple[Op, ...]]:
    """The values that `name` is a function of, element by element, nearest first, and the ops."""
    makers = {node.name: node for node in emit.nodes}
    found: dict[str, tuple[Op, ...]] = {name: ()}
    while (node := makers.get(name)) and isinstance(node.op, ELEMENTWISE):
        ops = (node.op, *found[name])
        name = node.sources[0]
        found[name] = ops
    return found


def affine(
    emit: Emitter, name: str, x: Feature, scale: AnyArray | float, shift: AnyArray | float
) -> Feature:
    """Scale · x + shift with constants that meet x.dims, the batch of 1 before them or not."""
    constants = (np.asarray(value, dtype=np.float64) for value in (scale, shift))
    x, found = channelwise(emit, name, x, *constants)
    scales, shifts = np.broadcast_arrays(*found)
    if (scales == 1).all() and (shifts == 0).all():
        return x
    return emit.elementwise(name, Affine(Array(scales), Array(shifts)), x)


def channelwise(
    emit: Emitter, name: str, x: Feature, *values: AnyArray
) -> tuple[Feature, list[AnyArray]]:
    """Constants as arrays (C,) or (1,) of the map of `x`, rearranged if they ask for it."""
    frames = [_frame(name, x, np.asarray(value)) for value in values]
    found = [_of_channels(x, frame) for frame in frames]
    if any(array is None for array in found):
        x = _along(emit, name, x, frames)
        found = [_of_channels(x, frame) for frame in frames]
    return x, [array for array in found if array is not None]


def _frame(name: str, x: Feature, value: AnyArray) -> AnyArray:
    """A constant as it meets each frame of `x`: broadcast to x.dims."""
    try:
        full = np.broadcast_shapes(value.shape, (1, *x.dims))
        if full == (1, *x.dims):
            return np.asarray(np.broadcast_to(value, full)[0])
    except ValueError:
        pass
    raise ShiftloomError(
        name,
        f"a constant {list(value.shape)} with an input {['batch', *x.dims]}",
        "give one number, or one for each channel",
    )


def _uniform(frame: AnyArray) -> bool:
    return frame.size > 0 and bool((frame == frame.reshape(-1)[0]).all())


def _of_channels(x: Feature, frame: AnyArray) -> AnyArray | None:
    """The constant of each channel of the map, if it is the same at all its pixels."""
    if _uniform(frame):
        return frame.reshape(-1)[:1]
    if x.arrangement.open and len(x.dims) <= 3:
        return None
    channels = x.places(x.elements) % x.arrangement.shape[2]
    found = np.zeros(x.arrangement.shape[2])
    found[channels] = frame
    seen = np.zeros(found.size, dtype=bool)
    seen[channels] = True
    return found if seen.all() and (found[channels] == frame).all() else None


def _along(emit: Emitter, name: str, x: Feature, frames: Sequence[AnyArray]) -> Feature:
    """`x` as a map whose channels are the one axis that the constants differ along."""
    axes = {
        axis
        for frame in frames
        for axis in range(frame.ndim)
        if not (frame == np.take(frame, [0], axis=axis)).all()
    }
    if len(axes) != 1:
        raise ShiftloomError(
            name,
            f"a constant that differs along {len(axes)} dimensions",
            "give one number for each channel",
        )
    axis = axes.pop()
    made, _ = emit.map(name, x, axis)
    return Feature(made, Arrangement(x.dims, axis), x.dims)


def concatenate(emit: Emitter, name: str, parts: Sequence[Feature], axis: int) -> Feature:
    """The views one behind the other along `axis` of their dims."""
    if len({(*x.dims[:axis], *x.dims[axis + 1 :]) for x in parts}) != 1:
        shapes = ", ".join(str(list(x.dims)) for x in parts)
        raise ShiftloomError(
            name, f"joins {shapes}", "they may differ in the joined dimension only"
        )
    first = parts[0]
    if all(x.name == first.name for x in parts):
        return first.viewed(np.concatenate([x.elements for x in parts], axis=axis))
    maps = [emit.map(name, x, axis) for x in parts]
    total = sum(x.dims[axis] for x in parts)
    dims = tuple(total if i == axis else size for i, size in enumerate(first.dims))
    made = emit.layer(name, Concat(), *maps, dims=dims, axis=axis)
    return replace(made, integers=first.integers)


def over_pixels(emit: Emitter, name: str, x: Feature, axis: int, *, mean: bool) -> Feature:
    """The mean or the maximum of all pixels, in dims of size 1; the channels are at `axis`."""
    source = emit.map(name, x, axis)
    whole: Pair = (source[1][0], source[1][1])
    op = AvgPool2d(Window(whole, whole)) if mean else MaxPool2d(Window(whole, whole))
    dims = tuple(size if i == axis else 1 for i, size in enumerate(x.dims))
    made = emit.layer(name, op, source, dims=dims, axis=axis)
    return replace(made, integers=x.integers)


def padded(emit: Emitter, name: str, x: Feature, sides: Sequence[Pair], value: float) -> Feature:
    """`x` with (before, after) elements of `value` along each of its dims; negative ones crop."""
    for axis, (before, after) in enumerate(sides):
        kept = range(-min(before, 0), x.dims[axis] + min(after, 0))
        if not kept:
            raise ShiftloomError(name, "leaves nothing", "keep at least one element")
        if len(kept) < x.dims[axis]:
            x = x.viewed(np.take(x.elements, kept, axis=axis))
    sides = [(max(before, 0), max(after, 0)) for before, after in sides]
    if not any(before or after for before, after in sides):
        return x
    axis = _still(name, [side == (0, 0) for side in sides], "pads")
    if not np.isfinite(value):
        raise ShiftloomError(name, f"pads with {value}", "use a finite value")
    (top, bottom), (left, right) = _others(sides, axis, (0, 0))
    dims = tuple(size + sum(side) for size, side in zip(x.dims, sides, strict=True))
    check_size(name, dims)
    op = Pad((top, left, bottom, right), value)
    made = emit.layer(name, op, emit.map(name, x, axis), dims=dims, axis=axis)
    return replace(made, integers=x.integers)


def repeated(emit: Emitter, name: str, x: Feature, factors: Sequence[int]) -> Feature:
    """`x` with each element that many times along each of its dims."""
    if all(factor == 1 for factor in factors):
        return x
    axis = _still(name, [factor == 1 for factor in factors], "repeats")
    rows, columns = _others(factors, axis, 1)
    dims = tuple(size * factor for size, factor in zip(x.dims, factors, strict=True))
    check_size(name, dims)
    source = emit.map(name, x, axis)
    made = emit.layer(name, Upsample((rows, columns)), source, dims=dims, axis=axis)
    return replace(made, integers=x.integers)


def _still(name: str, still: Sequence[bool], verb: str) -> int:
    """The axis that becomes the channels: the first dimension if it is left alone, or the last."""
    if len(still) > 3 or not (still[0] or still[-1]):
        raise ShiftloomError(name, f"{verb} the channels", f"{verb} rows and columns only")
    return 0 if still[0] else len(still) - 1


def _others(values: Sequence[_T], axis: int, neutral: _T) -> tuple[_T, _T]:
    """The values of the rows and columns, all dims but `axis`."""
    rest = [value for i, value in enumerate(values) if i != axis]
    first, second = [neutral] * (2 - len(rest)) + rest
    return first, second
