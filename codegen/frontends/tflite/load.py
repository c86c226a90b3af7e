"""Reading a TFLite file: what it holds as plain values, checked before anything is made of it."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tflite

from shiftloom.codegen import files
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.onnx.load import MAX_ELEMENTS
from shiftloom.codegen.frontends.views import AnyArray

_DAMAGED = (
    *(struct.error, ValueError, TypeError, IndexError, KeyError, AttributeError),
    *(OverflowError, MemoryError, AssertionError, UnicodeError),
)
"""What the accessors raise where an offset of the file leads astray."""

_TYPES: dict[int, str] = {
    tflite.TensorType.FLOAT32: "float32",
    tflite.TensorType.FLOAT16: "float16",
    tflite.TensorType.INT8: "int8",
    tflite.TensorType.UINT8: "uint8",
    tflite.TensorType.INT16: "int16",
    tflite.TensorType.INT32: "int32",
    tflite.TensorType.INT64: "int64",
}
_TYPE_NAMES = {v: k for k, v in vars(tflite.TensorType).items() if isinstance(v, int)}
_OPERATORS = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
_OPTION_NAMES = {v: k for k, v in vars(tflite.BuiltinOptions).items() if isinstance(v, int)}

_STRIDES = ("Padding", "StrideH", "StrideW", "FusedActivationFunction")
_DILATIONS = ("DilationHFactor", "DilationWFactor")
_OPTIONS: dict[str, tuple[str, ...]] = {
    "Conv2DOptions": (*_STRIDES, *_DILATIONS),
    "DepthwiseConv2DOptions": (*_STRIDES, *_DILATIONS),
    "TransposeConvOptions": _STRIDES,
    "Pool2DOptions": (*_STRIDES, "FilterHeight", "FilterWidth"),
    "FullyConnectedOptions": ("FusedActivationFunction", "WeightsFormat"),
    "AddOptions": ("FusedActivationFunction",),
    "SubOptions": ("FusedActivationFunction",),
    "MulOptions": ("FusedActivationFunction",),
    "ConcatenationOptions": ("FusedActivationFunction", "Axis"),
    "ReducerOptions": ("KeepDims",),
    "LeakyReluOptions": ("Alpha",),
    "ResizeNearestNeighborOptions": ("AlignCorners", "HalfPixelCenters"),
}
"""The options that translations ask for, by the table that holds them."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor with `value` if it is a constant; `scale` is empty unless it is quantized.

    The converter joins the names of what it fuses by semicolons; `name` is the first of them.
    `axis` is the dimension along which several scales lie.
    """

    name: str
    dims: tuple[int, ...]
    dtype: str
    value: AnyArray | None
    scale: AnyArray
    zero: AnyArray
    axis: int


@dataclass(frozen=True, slots=True)
class Operator:
    """A node: its operator, tensor numbers (−1: left out), its options by TFLite's names."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class File:
    """The main graph of a TFLite file."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def load(path: Path) -> File:
    """What the file holds; raises ShiftloomError if it is no TFLite model, or one of subgraphs."""
    name, data = path.name, files.read(path, files.MAX_MODEL, "give a smaller model")
    if data[4:8] != b"TFL3":
        raise ShiftloomError(name, "is no TFLite model", "give a complete .tflite file")
    try:
        return _file(tflite.Model.GetRootAs(data, 0), name)
    except _DAMAGED as error:
        raise ShiftloomError(name, "is damaged", "give a complete .tflite file") from error


def _file(model: Any, name: str) -> File:
    if model.SubgraphsLength() != 1:
        raise ShiftloomError(
            name,
            f"has {model.SubgraphsLength()} graphs, control flow is not supported",
            "export a feed-forward network",
        )
    graph = model.Subgraphs(0)
    found = File(
        tuple(_tensor(model, graph.Tensors(i)) for i in range(graph.TensorsLength())),
        tuple(_operator(model, graph.Operators(i)) for i in range(graph.OperatorsLength())),
        _numbers(graph.InputsAsNumpy()),
        _numbers(graph.OutputsAsNumpy()),
    )
    used = [*found.inputs, *found.outputs]
    used += [i for operator in found.operators for i in (*operator.inputs, *operator.outputs)]
    ends = [found.inputs, found.outputs, *(operator.outputs for operator in found.operators)]
    if (
        not found.operators
        or any(not -1 <= i < len(found.tensors) for i in used)
        or any(not some or min(some) < 0 for some in ends)
    ):
        raise ShiftloomError(name, "is damaged", "give a complete .tflite file")
    return found


def _numbers(values: Any) -> tuple[int, ...]:
    """A vector of the file; one that is left out is empty."""
    return tuple(int(value) for value in np.atleast_1d(values)) if np.size(values) else ()


def _tensor(model: Any, tensor: Any) -> Tensor:
    name = (tensor.Name() or b"").decode("utf-8", "replace").partition(";")[0]
    dtype = _TYPES.get(tensor.Type())
    if dtype is None:
        kind = _TYPE_NAMES.get(tensor.Type(), f"number {tensor.Type()}").lower()
        raise ShiftloomError(repr(name[:64]), f"has the type {kind}", "use float32 or integers")
    dims = _numbers(tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
    if any(size < 0 for size in dims) or math.prod(dims) > MAX_ELEMENTS:
        raise ShiftloomError(
            repr(name[:64]), f"dimensions {list(dims)[:8]}", f"use at most {MAX_ELEMENTS} elements"
        )
    if tensor.Sparsity() is not None:
        raise ShiftloomError(repr(name[:64]), "is stored as sparse", "store it as a dense one")
    scale, zero, axis = _quantization(tensor.Quantization(), dtype)
    return Tensor(name, dims, dtype, _value(model, tensor, dims, dtype), scale, zero, axis)


def _value(model: Any, tensor: Any, dims: tuple[int, ...], dtype: str) -> AnyArray | None:
    buffer = model.Buffers(tensor.Buffer())
    if not buffer.DataLength():
        return None
    raw = np.asarray(buffer.DataAsNumpy(), np.uint8)
    return raw.view(np.dtype(dtype).newbyteorder("<")).reshape(dims)


def _quantization(found: Any, dtype: str) -> tuple[AnyArray, AnyArray, int]:
    """Scales, zero points of the tensor's type and their axis; empty if it is not quantized."""
    if found is None or not found.ScaleLength() or dtype.startswith("float"):
        return np.zeros(0, np.float32), np.zeros(0, np.int64), 0
    scale = np.asarray(found.ScaleAsNumpy(), np.float32)
    zero = np.asarray(found.ZeroPointAsNumpy() if found.ZeroPointLength() else 0, np.int64)
    kept = np.broadcast_to(zero, scale.shape).astype(dtype)
    if (kept != zero).any():
        raise ValueError
    return scale, kept, int(found.QuantizedDimension())


def _operator(model: Any, operator: Any) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    # Files older than 2020 hold the number in a byte, the field of which is 127 in newer ones.
    kind = _OPERATORS.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "UNKNOWN")
    return Operator(
        kind,
        _numbers(operator.InputsAsNumpy()),
        _numbers(operator.OutputsAsNumpy()),
        _options(operator),
    )


def _options(operator: Any) -> Mapping[str, int | float]:
    """The options that a translation may ask for; none for an operator without."""
    table, name = operator.BuiltinOptions(), _OPTION_NAMES.get(operator.BuiltinOptionsType(), "")
    if table is None or name not in _OPTIONS:
        return {}
    accessor = getattr(tflite, name)()
    accessor.Init(table.Bytes, table.Pos)
    return {field: getattr(accessor, field)() for field in _OPTIONS[name]}
