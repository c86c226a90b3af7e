"""Functions of single elements, Softmax and ArgMax, and nodes that change nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from shiftloom.codegen.frontends.blocks import affine, channelwise
from shiftloom.codegen.frontends.emitter import Emitter
from shiftloom.codegen.frontends.onnx.call import Call
from shiftloom.codegen.frontends.onnx.values import Value
from shiftloom.codegen.frontends.views import Feature, Integers
from shiftloom.codegen.graph import Op
from shiftloom.codegen.ops import (
    Affine,
    ArgMax,
    Clip,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    PRelu,
    Product,
    Relu,
    Sigmoid,
    Softmax,
    Tanh,
)
from shiftloom.codegen.values import Array, IntType

_PLAIN: dict[str, Callable[[], Op]] = {
    "Relu": Relu,
    "HardSwish": HardSwish,
    "Sigmoid": Sigmoid,
    "Tanh": Tanh,
}


def _function(call: Call) -> Op:
    """The op of a node that has no constant inputs."""
    if call.kind == "LeakyRelu":
        return LeakyRelu(call.real("alpha", 0.01))
    if call.kind == "HardSigmoid":
        return HardSigmoid(call.real("alpha", 0.2), call.real("beta", 0.5))
    return _PLAIN[call.kind]()


def _swish(emit: Emitter, call: Call) -> Feature:
    """X · sigmoid(alpha · x)."""
    alpha = Array(np.array([call.real("alpha", 1.0)]))
    gate = (Affine(alpha, Array(np.zeros(1))), Sigmoid())
    return emit.elementwise(call.name, Product((), gate), call.numbers())


def _elementwise(emit: Emitter, call: Call) -> Feature:
    return emit.elementwise(call.name, _function(call), call.numbers())


def _clip(emit: Emitter, call: Call) -> Feature:
    lo = call.scalar(1) if call.has(1) else call.real("min", -math.inf)
    hi = call.scalar(2) if call.has(2) else call.real("max", math.inf)
    return emit.elementwise(call.name, Clip(lo, hi), call.numbers())


def _limit(emit: Emitter, call: Call) -> Feature:
    """Max or Min of a value and one number."""
    if len(call.inputs) != 2:
        raise call.refuse(f"{len(call.inputs)} inputs", "use a computed value and a constant")
    index = 0 if isinstance(call.inputs[0], Feature) else 1
    bound = call.scalar(1 - index)
    op = Clip(bound, math.inf) if call.kind == "Max" else Clip(-math.inf, bound)
    return emit.elementwise(call.name, op, call.numbers(index))


def _prelu(emit: Emitter, call: Call) -> Feature:
    x, slope = call.numbers(), call.constant(1).value
    if call.opset < 7 and slope.ndim == 1:
        slope = slope.reshape(-1, *(1,) * (len(x.dims) - 1))
    x, (slope,) = channelwise(emit, call.name, x, slope)
    slopes = np.broadcast_to(slope, x.arrangement.shape[2])
    return emit.elementwise(call.name, PRelu(Array(slopes)), x)


def _channel_axis(call: Call, x: Feature, axis: int) -> int:
    """`axis` of the ONNX tensor as one of x.dims."""
    rank = len(x.dims) + 1
    if not -rank <= axis < rank or axis % rank == 0:
        raise call.refuse(f"axis={axis}", f"use 1 to {rank - 1}")
    return axis % rank - 1


def _softmax(emit: Emitter, call: Call) -> Feature:
    x = call.numbers()
    old = call.opset < 13
    axis = _channel_axis(call, x, call.integer("axis", 1 if old else -1))
    if old and math.prod(x.dims[axis:]) != x.dims[axis]:
        raise call.refuse(f"axis={axis + 1} of opset {call.opset} flattens", "use opset 13")
    source = emit.map(call.name, x, axis)
    return emit.layer(call.name, Softmax(), source, dims=x.dims, axis=axis)


def _arg_max(emit: Emitter, call: Call) -> Feature:
    x = call.feature()
    call.only("select_last_index", call.integer("select_last_index", 0), 0)
    axis = _channel_axis(call, x, call.integer("axis", 0))
    dims = tuple(1 if i == axis else size for i, size in enumerate(x.dims))
    source = emit.map(call.name, x, axis)
    made = emit.layer(call.name, ArgMax(), source, dims=dims, axis=axis)
    made = replace(made, integers=Integers(1.0, 0, IntType(64, True)))
    if call.integer("keepdims", 1):
        return made
    return made.viewed(np.squeeze(made.elements, axis=axis))


def _same(emit: Emitter, call: Call) -> Value:
    value = call.inputs[0] if call.inputs else None
    if value is None:
        raise call.refuse("input 0 is missing", "connect it")
    if call.kind == "Dropout" and call.has(2) and call.constant(2).value.any():
        raise call.refuse("training_mode is on", "export the model for inference")
    return value


def _cast(emit: Emitter, call: Call) -> Value:
    """Integers to real numbers, or between kinds of real numbers."""
    from shiftloom.codegen.frontends.onnx import load

    x = call.feature()
    to = call.integer("to", 1) if call.kind == "Cast" else 1
    if not load.is_float(to):
        raise call.refuse(f"casts to {load.type_name(to)}", "quantize by QuantizeLinear")
    if x.integers is None:
        return x
    plain = replace(x, integers=None)
    return affine(emit, call.name, plain, 1 / x.integers.scale, float(x.integers.zero))


HANDLERS = (
    *((kind, _elementwise) for kind in (*_PLAIN, "LeakyRelu", "HardSigmoid")),
    ("Swish", _swish),
    ("Clip", _clip),
    ("Max", _limit),
    ("Min", _limit),
    ("PRelu", _prelu),
    ("Softmax", _softmax),
    ("ArgMax", _arg_max),
    ("Identity", _same),
    ("Dropout", _same),
    ("Cast", _cast),
)
