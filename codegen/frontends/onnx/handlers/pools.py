"""Poolings: MaxPool, AveragePool, the global ones, and means or maxima over rows and columns."""

from __future__ import annotations

from dataclasses import replace

from shiftloom.codegen.frontends.blocks import over_pixels
from shiftloom.codegen.frontends.emitter import Emitter
from shiftloom.codegen.frontends.onnx.call import Call
from shiftloom.codegen.frontends.onnx.handlers.layers import window
from shiftloom.codegen.frontends.views import Feature
from shiftloom.codegen.ops import AvgPool2d, MaxPool2d
from shiftloom.codegen.windows import Window


def _pool_window(call: Call, x: Feature) -> tuple[Window, Window]:
    """The window as it stands, and with the end padding that `ceil_mode` adds."""
    kernel = call.integers("kernel_shape")
    if kernel is None:
        raise call.refuse("has no kernel_shape", "export it again")
    place = window(call, x, kernel)
    if not call.integer("ceil_mode", 0):
        return place, place
    sizes = x.dims[1:] if len(x.dims) == 3 else (1, *x.dims[1:])
    end = tuple(place.end[i] + _ceil_extra(place, i, sizes[i]) for i in (0, 1))
    return place, replace(place, end_padding=(end[0], end[1]))


def _ceil_extra(place: Window, axis: int, size: int) -> int:
    """Columns that a last, partial window needs; it must start inside the input or its padding."""
    stride, span = place.stride[axis], place.span[axis]
    before, padded = place.padding[axis], size + place.padding[axis] + place.end[axis]
    rest = (padded - span) % stride if padded >= span else 0
    start = padded - span - rest + stride
    return stride - rest if rest and start < size + before else 0


def _max_pool(emit: Emitter, call: Call) -> Feature:
    x = call.feature()
    call.only("storage_order", call.integer("storage_order", 0), 0)
    op = MaxPool2d(_pool_window(call, x)[1])
    return _shaped(emit.layer(call.name, op, emit.map(call.name, x)), x)


def _shaped(made: Feature, x: Feature) -> Feature:
    """The result with the dimensions and the integers of its input's kind."""
    if len(x.dims) == 2:
        channels, _, width = made.dims
        made = made.viewed(made.elements.reshape(channels, width))
    return replace(made, integers=x.integers)


def average(emit: Emitter, call: Call, x: Feature) -> Feature:
    """An AveragePool node on the real values `x`."""
    stated, place = _pool_window(call, x)
    counted = bool(call.integer("count_include_pad", 0))
    if counted and place != stated:
        raise call.refuse("ceil_mode with count_include_pad", "use ceil_mode=0")
    return _shaped(emit.layer(call.name, AvgPool2d(place, counted), emit.map(call.name, x)), x)


def _average_pool(emit: Emitter, call: Call) -> Feature:
    return average(emit, call, call.numbers())


def _global_average(emit: Emitter, call: Call) -> Feature:
    return over_pixels(emit, call.name, call.numbers(), 0, mean=True)


def _global_max(emit: Emitter, call: Call) -> Feature:
    return over_pixels(emit, call.name, call.feature(), 0, mean=False)


def _reduce(emit: Emitter, call: Call, *, mean: bool) -> Feature:
    """Over all rows and columns; the dimension left is the channel."""
    x = call.numbers() if mean else call.feature()
    rank = len(x.dims) + 1
    axes = call.whole_attribute_or_input("axes", 1)
    if axes is None or len(axes) == 0:
        raise call.refuse("reduces the batch", "reduce rows and columns, axes=[2, 3]")
    reduced = {axis % rank for axis in axes if -rank <= axis < rank}
    left = [axis for axis in range(1, rank) if axis not in reduced]
    if 0 in reduced or len(reduced) != len(axes) or len(left) != 1:
        raise call.refuse(f"reduces axes {list(axes)} of {rank}", "leave batch and channels only")
    made = over_pixels(emit, call.name, x, left[0] - 1, mean=mean)
    return made if call.integer("keepdims", 1) else made.viewed(made.elements.reshape(-1))


def _reduce_mean(emit: Emitter, call: Call) -> Feature:
    return _reduce(emit, call, mean=True)


def _reduce_max(emit: Emitter, call: Call) -> Feature:
    return _reduce(emit, call, mean=False)


HANDLERS = (
    ("MaxPool", _max_pool),
    ("AveragePool", _average_pool),
    ("GlobalAveragePool", _global_average),
    ("GlobalMaxPool", _global_max),
    ("ReduceMean", _reduce_mean),
    ("ReduceMax", _reduce_max),
)
