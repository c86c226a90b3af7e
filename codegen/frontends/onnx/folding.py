"""Constant folding: nodes whose inputs are all known are computed once, in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from shiftloom.codegen.frontends.onnx import load
from shiftloom.codegen.frontends.onnx.call import Call
from shiftloom.codegen.frontends.onnx.values import Constant
from shiftloom.codegen.frontends.views import AnyArray, Feature

_BINARY: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Max": np.maximum,
    "Min": np.minimum,
    "Equal": np.equal,
    "Greater": np.greater,
    "Less": np.less,
    "And": np.logical_and,
    "Or": np.logical_or,
    "MatMul": np.matmul,
}
_UNARY: dict[str, Callable[..., Any]] = {
    "Sqrt": np.sqrt,
    "Neg": np.negative,
    "Abs": np.abs,
    "Exp": np.exp,
    "Log": np.log,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Round": np.rint,
    "Sign": np.sign,
    "Reciprocal": np.reciprocal,
    "Not": np.logical_not,
    "Relu": lambda a: np.maximum(a, 0),
    "Tanh": np.tanh,
}

_REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceProd": np.prod,
    "ReduceSum": np.sum,
    "ReduceMean": np.mean,
}


def fold(call: Call) -> Constant | None:
    """The node's constant, or None if its inputs are not all known or it is not folded."""
    if call.kind == "Constant":
        return Constant(_stated(call))
    if call.kind == "Shape" and isinstance(call.inputs[0] if call.inputs else None, Feature):
        return Constant(_shape(call, (call.batch, *call.feature().dims)))
    function = _FUNCTIONS.get(call.kind)
    known = [value for value in call.inputs if isinstance(value, Constant)]
    if function is None or len(known) != len(call.inputs):
        return None
    arrays = [value.value for value in known]
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(function(call, *arrays))
    except (ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError) as error:
        reason = str(error).partition("\n")[0]
        raise call.refuse(f"constants that do not fit ({reason})", "check the model") from error
    return Constant(result)


def foldable(kind: str) -> bool:
    """The operator can be folded."""
    return kind == "Constant" or kind in _FUNCTIONS


def _bounded(call: Call, size: int) -> None:
    if size > load.MAX_ELEMENTS:
        raise call.refuse(
            f"makes a constant of {size} elements", f"use at most {load.MAX_ELEMENTS}"
        )


def _stated(call: Call) -> AnyArray:
    value = call.tensor("value")
    if value is not None:
        return value
    for attribute in call.proto.attribute:
        if attribute.name in ("value_float", "value_int"):
            number = attribute.f if attribute.name == "value_float" else attribute.i
            return np.asarray(number, np.float32 if attribute.name == "value_float" else np.int64)
        if attribute.name == "value_floats":
            return np.asarray(attribute.floats, np.float32)
        if attribute.name == "value_ints":
            return np.asarray(attribute.ints, np.int64)
    raise call.refuse("holds no dense array of numbers", "use the attribute value")


def _shape(call: Call, dims: tuple[int, ...]) -> AnyArray:
    end = call.integer("end", len(dims))
    return np.asarray(dims[call.integer("start", 0) : end], dtype=np.int64)


def _div(call: Call, a: AnyArray, b: AnyArray) -> AnyArray:
    if a.dtype.kind in "iu" and b.dtype.kind in "iu":
        return np.asarray(np.trunc(a / b), dtype=a.dtype)
    return np.asarray(a / b)


def _binary(call: Call, *arrays: AnyArray) -> AnyArray:
    if call.kind == "MatMul":
        _bounded(call, math.prod(arrays[0].shape[:-1]) * arrays[1].shape[-1])
    else:
        _bounded(call, math.prod(np.broadcast_shapes(*(a.shape for a in arrays))))
    result = arrays[0]
    for other in arrays[1:]:
        result = _BINARY[call.kind](result, other)
    return result


def _unary(call: Call, a: AnyArray) -> AnyArray:
    return np.asarray(_UNARY[call.kind](a), dtype=a.dtype)


def _pow(call: Call, a: AnyArray, b: AnyArray) -> AnyArray:
    return np.asarray(a**b, dtype=a.dtype)


def _concat(call: Call, *arrays: AnyArray) -> AnyArray:
    _bounded(call, sum(a.size for a in arrays))
    return np.concatenate(arrays, axis=call.integer("axis", 0))


def _cast(call: Call, a: AnyArray) -> AnyArray:
    import onnx

    kind = call.integer("to", 1)
    name = load.type_name(kind)
    if not load.is_float(kind) and name not in ("int64", "int32", "int8", "uint8", "bool", "int16"):
        raise call.refuse(f"casts to {name}", "use float32 or integers")
    return a.astype(onnx.helper.tensor_dtype_to_np_dtype(kind))


def _constant_of_shape(call: Call, shape: AnyArray) -> AnyArray:
    value = call.tensor("value")
    dims = [int(size) for size in shape]
    _bounded(call, math.prod(dims))
    fill = np.zeros(1, np.float32) if value is None else value
    return np.full(dims, fill.ravel()[0])


def _expand(call: Call, a: AnyArray, shape: AnyArray) -> AnyArray:
    dims = np.broadcast_shapes(a.shape, tuple(int(size) for size in shape))
    _bounded(call, math.prod(dims))
    return np.broadcast_to(a, dims)


def _tile(call: Call, a: AnyArray, repeats: AnyArray) -> AnyArray:
    counts = [int(count) for count in repeats]
    _bounded(call, a.size * math.prod(counts))
    return np.tile(a, counts)


def _range(call: Call, start: AnyArray, limit: AnyArray, delta: AnyArray) -> AnyArray:
    _bounded(call, math.ceil((limit.item() - start.item()) / delta.item()))
    return np.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype)


def _where(call: Call, condition: AnyArray, a: AnyArray, b: AnyArray) -> AnyArray:
    _bounded(call, math.prod(np.broadcast_shapes(condition.shape, a.shape, b.shape)))
    return np.where(condition, a, b)


def _reduce(call: Call, a: AnyArray, *axes: AnyArray) -> AnyArray:
    chosen = tuple(axes[0].tolist()) if axes else call.integers("axes")
    keep = bool(call.integer("keepdims", 1))
    return np.asarray(_REDUCTIONS[call.kind](a, axis=chosen, keepdims=keep), dtype=a.dtype)


_FUNCTIONS: dict[str, Callable[..., AnyArray]] = {
    **dict.fromkeys(_BINARY, _binary),
    **dict.fromkeys(_UNARY, _unary),
    **dict.fromkeys(_REDUCTIONS, _reduce),
    "Shape": lambda call, a: _shape(call, a.shape),
    "Size": lambda call, a: np.asarray(a.size, dtype=np.int64),
    "Div": _div,
    "Pow": _pow,
    "Mod": lambda call, a, b: np.fmod(a, b) if call.integer("fmod", 0) else np.mod(a, b),
    "Concat": _concat,
    "Cast": _cast,
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
    "Tile": _tile,
    "Range": _range,
    "Where": _where,
}
