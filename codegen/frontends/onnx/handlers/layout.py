"""Nodes that only rearrange elements: Reshape, Transpose, Squeeze, Slice, Split, Gather."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from shiftloom.codegen.frontends.emitter import Emitter, check_size
from shiftloom.codegen.frontends.onnx.call import Call
from shiftloom.codegen.frontends.onnx.values import Constant, Value
from shiftloom.codegen.frontends.views import AnyArray, Feature

_BATCH = "keep the batch as the first dimension"


def _rearrange(call: Call, function: Callable[[AnyArray], AnyArray]) -> Value:
    """`function` of the whole tensor, batch included, which must stay its first dimension."""
    value = call.inputs[0] if call.inputs else None
    if value is None:
        raise call.refuse("input 0 is missing", "connect it")
    if isinstance(value, Constant):
        return value.rearranged(function)
    return value.viewed(function(value.elements[None])[0])


def _axes(call: Call, axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes as numbers from 0 on."""
    if any(not -rank <= axis < rank for axis in axes):
        raise call.refuse(f"axes {list(axes)} of {rank} dimensions", f"use {-rank} to {rank - 1}")
    return tuple(axis % rank for axis in axes)


def _rank(call: Call) -> int:
    value = call.inputs[0]
    return value.value.ndim if isinstance(value, Constant) else len(call.feature().dims) + 1


def _no_batch(call: Call, axes: Sequence[int]) -> None:
    if 0 in axes and isinstance(call.inputs[0], Feature):
        raise call.refuse("works on the batch dimension", _BATCH)


def _reshape(emit: Emitter, call: Call) -> Value:
    value = call.inputs[0]
    stated = call.integers("shape") if call.integers("shape") else call.whole(1)
    if stated is None:
        raise call.refuse("has no shape", "export it again")
    keep = not call.integer("allowzero", 0)
    if isinstance(value, Constant):
        shape = resolved(call, value.value.shape, stated, keep)
        return value.rearranged(lambda a: a.reshape(shape))
    x = call.feature()
    shape = resolved(call, (call.batch, *x.dims), stated, keep)
    if not shape or shape[0] != call.batch:
        raise call.refuse(f"shape {list(stated)} of {[call.batch, *x.dims]}", _BATCH)
    return x.viewed(x.elements.reshape(shape[1:]))


def resolved(
    call: Call, source: Sequence[int], stated: Sequence[int], keep: bool = True
) -> tuple[int, ...]:
    """`stated` with its zeros (copied from `source`) and its −1 replaced."""
    if keep and any(size == 0 and i >= len(source) for i, size in enumerate(stated)):
        raise call.refuse(f"shape {list(stated)[:8]} of {list(source)}", "check the model")
    shape = [source[i] if size == 0 and keep else size for i, size in enumerate(stated)]
    total, known = math.prod(source), math.prod(size for size in shape if size != -1)
    if -1 in shape and known > 0 and total % known == 0:
        shape[shape.index(-1)] = total // known
    if min(shape, default=0) < 0 or math.prod(shape) != total:
        raise call.refuse(f"shape {list(stated)[:8]} of {list(source)}", "the sizes must agree")
    return tuple(shape)


def _flatten(emit: Emitter, call: Call) -> Value:
    rank = _rank(call)
    axis = call.integer("axis", 1)
    if isinstance(call.inputs[0], Feature) and axis not in (1, 1 - rank):
        raise call.refuse(f"axis={axis}", "use axis=1")
    return _rearrange(call, lambda a: a.reshape(math.prod(a.shape[:axis]), -1))


def _transpose(emit: Emitter, call: Call) -> Value:
    rank = _rank(call)
    perm = call.integers("perm") or tuple(reversed(range(rank)))
    if sorted(perm) != list(range(rank)):
        raise call.refuse(f"perm={list(perm)[:8]}", f"order the {rank} dimensions")
    if isinstance(call.inputs[0], Feature) and perm[0] != 0:
        raise call.refuse(f"perm={list(perm)}", _BATCH)
    return _rearrange(call, lambda a: a.transpose(perm))


def _squeeze(emit: Emitter, call: Call) -> Value:
    axes = call.whole_attribute_or_input("axes", 1)
    if axes is None:
        if isinstance(call.inputs[0], Feature):
            raise call.refuse("without axes removes the batch of 1", "give axes")
        return _rearrange(call, np.squeeze)
    found = _axes(call, axes, _rank(call))
    _no_batch(call, found)
    value = call.inputs[0]
    shape = value.value.shape if isinstance(value, Constant) else (1, *call.feature().dims)
    if any(shape[axis] != 1 for axis in found):
        raise call.refuse(f"axes {list(axes)} of {list(shape)}", "remove dimensions of size 1 only")
    return _rearrange(call, lambda a: np.squeeze(a, axis=found))


def _unsqueeze(emit: Emitter, call: Call) -> Value:
    axes = call.whole_attribute_or_input("axes", 1)
    if axes is None:
        raise call.refuse("has no axes", "give axes")
    found = _axes(call, axes, _rank(call) + len(axes))
    _no_batch(call, found)
    if len(set(found)) != len(found):
        raise call.refuse(f"axes {list(axes)}", "name each once")
    return _rearrange(call, lambda a: np.expand_dims(a, found))


def _slice(emit: Emitter, call: Call) -> Value:
    rank = _rank(call)
    starts = call.whole_attribute_or_input("starts", 1)
    ends = call.whole_attribute_or_input("ends", 2)
    if starts is None or ends is None:
        raise call.refuse("has no starts or ends", "give them as constants")
    axes = call.whole_attribute_or_input("axes", 3) or tuple(range(len(starts)))
    steps = call.whole(4) if call.has(4) else (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise call.refuse("starts, ends, axes and steps do not fit", "give as many of each")
    cut = [slice(None)] * rank
    for axis, start, end, step in zip(_axes(call, axes, rank), starts, ends, steps, strict=True):
        lowest = step < 0 and end < -(1 << 31)
        cut[axis] = slice(start, None if lowest else end, step)
    _no_batch(call, [axis for axis in range(rank) if cut[axis] != slice(None)])
    return _nonempty(call, _rearrange(call, lambda a: a[tuple(cut)]))


def _nonempty(call: Call, value: Value) -> Value:
    if isinstance(value, Feature) and 0 in value.dims:
        raise call.refuse("leaves nothing", "keep at least one element")
    return value


def _split(emit: Emitter, call: Call) -> tuple[Value, ...]:
    (axis,) = _axes(call, [call.integer("axis", 0)], _rank(call))
    _no_batch(call, [axis])
    value = call.inputs[0]
    size = (value.value.shape if isinstance(value, Constant) else (1, *call.feature().dims))[axis]
    count = len(call.proto.output)
    sizes = call.whole_attribute_or_input("split", 1)
    if sizes is None:
        share = -(-size // count)
        sizes = tuple(min(share, size - i * share) for i in range(count))
    if len(sizes) != count or sum(sizes) != size or min(sizes) < 1:
        raise call.refuse(f"splits {size} into {list(sizes)[:8]}", f"give {count} sizes")
    stops = np.cumsum(sizes)
    ranges = (range(stop - part, stop) for part, stop in zip(sizes, stops, strict=True))
    return tuple(_rearrange(call, partial(np.take, indices=r, axis=axis)) for r in ranges)


def _gather(emit: Emitter, call: Call) -> Value:
    (axis,) = _axes(call, [call.integer("axis", 0)], _rank(call))
    _no_batch(call, [axis])
    picked = call.constant(1).value
    value = call.inputs[0]
    size = (value.value.shape if isinstance(value, Constant) else (1, *call.feature().dims))[axis]
    if picked.dtype.kind not in "iu" or picked.size == 0:
        raise call.refuse(f"indices of {picked.dtype}", "give integers")
    if picked.min() < -size or picked.max() >= size:
        raise call.refuse(f"index {picked.max()} of {size}", f"use {-size} to {size - 1}")
    if isinstance(value, Feature):
        check_size(call.name, (*value.dims, picked.size))
    return _rearrange(call, lambda a: np.take(a, picked, axis=axis))


HANDLERS = (
    ("Reshape", _reshape),
    ("Flatten", _flatten),
    ("Transpose", _transpose),
    ("Squeeze", _squeeze),
    ("Unsqueeze", _unsqueeze),
    ("Slice", _slice),
    ("Split", _split),
    ("Gather", _gather),
)
