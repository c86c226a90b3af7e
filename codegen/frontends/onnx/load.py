"""Reading an ONNX file: size, format, external data, types and dimensions, before anything else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, external_data_helper, numpy_helper

from shiftloom.codegen import files
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.views import AnyArray

MAX_ELEMENTS = 1 << 27
"""Most elements of an initializer or of a folded constant."""

OPSETS = range(6, 28)
"""Opsets of the standard domain that the handlers know."""

QONNX_DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")

_FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE}
_INTEGERS = {
    *(TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16),
    *(TensorProto.INT32, TensorProto.UINT32, TensorProto.INT64, TensorProto.UINT64),
    *(TensorProto.INT4, TensorProto.UINT4, TensorProto.BOOL),
}


def load(path: Path) -> onnx.ModelProto:
    """The model in `path` with its tensors inside; raises ShiftloomError if it is none."""
    name, data = path.name, files.read(path, files.MAX_MODEL, "give a smaller model")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, ValueError) as error:
        raise ShiftloomError(name, "is no ONNX model", "give a complete .onnx file") from error
    if not model.opset_import or not model.graph.node:
        raise ShiftloomError(name, "is no ONNX model with layers", "give a complete .onnx file")
    _check_model(model, name)
    _read_external(model, path)
    return model


def opset(model: onnx.ModelProto, name: str) -> int:
    """The version of the standard domain; raises ShiftloomError if it is not supported."""
    versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    version = max(versions, default=0)
    if version not in OPSETS:
        raise ShiftloomError(
            name,
            f"opset {version}",
            f"use opset {OPSETS.start} to {OPSETS.stop - 1}, by onnx.version_converter",
        )
    return version


def _check_model(model: onnx.ModelProto, name: str) -> None:
    if not all(isinstance(text, str) for text in _texts(model)):
        raise ShiftloomError(name, "holds names that are no text", "export it again")
    opset(model, name)
    if model.functions:
        raise ShiftloomError(
            name, f"defines the function {_safe(model.functions[0].name)}", "inline its functions"
        )
    for tensor in _tensors(model):
        _check_tensor(tensor)


def _texts(model: onnx.ModelProto) -> Iterator[object]:
    """All names; protobuf gives those that are no UTF-8 as bytes."""
    graph = model.graph
    yield from (o.domain for o in model.opset_import)
    yield from (info.name for info in (*graph.input, *graph.output, *graph.value_info))
    for info in graph.input:
        yield from (dim.dim_param for dim in info.type.tensor_type.shape.dim)
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    for tensor in (*graph.initializer, *(a.t for n in graph.node for a in n.attribute)):
        yield tensor.name
        yield from (text for entry in tensor.external_data for text in (entry.key, entry.value))


def _safe(name: str) -> str:
    """A name from the file as it may be printed."""
    return repr(name[:64])


def _tensors(model: onnx.ModelProto) -> Iterator[TensorProto]:
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield attribute.t
            yield from attribute.tensors
    if model.graph.sparse_initializer:
        raise ShiftloomError(
            _safe(model.graph.sparse_initializer[0].values.name),
            "a sparse initializer",
            "store it as a dense one",
        )


def _check_tensor(tensor: TensorProto) -> None:
    name = _safe(tensor.name)
    if tensor.data_type not in _FLOATS | _INTEGERS:
        raise ShiftloomError(
            name, f"has the type {type_name(tensor.data_type)}", "use float32 or integers"
        )
    if any(dim < 0 for dim in tensor.dims) or math.prod(tensor.dims) > MAX_ELEMENTS:
        raise ShiftloomError(
            name, f"dimensions {list(tensor.dims)[:8]}", f"use at most {MAX_ELEMENTS} elements"
        )


def type_name(kind: int) -> str:
    """The name of an ONNX type, lower case."""
    if kind not in TensorProto.DataType.values():
        return f"number {kind}"
    return str(TensorProto.DataType.Name(kind)).lower()


def is_float(kind: int) -> bool:
    """The type is a floating-point number this importer reads."""
    return kind in _FLOATS


def _read_external(model: onnx.ModelProto, path: Path) -> None:
    """Read tensors kept in other files, which must lie in the model's folder."""
    folder = path.resolve().parent
    for tensor in _tensors(model):
        if external_data_helper.uses_external_data(tensor):
            _check_location(tensor, folder)
            _read_tensor(tensor, folder)


def _check_location(tensor: TensorProto, folder: Path) -> None:
    name, location = _safe(tensor.name), _location(tensor)
    file = (folder / location).resolve()
    if Path(location).is_absolute() or not file.is_relative_to(folder):
        raise ShiftloomError(
            name,
            f"its data lies outside the model's folder, in {_safe(location)}",
            "put the file beside the model",
        )
    if not file.is_file():
        raise ShiftloomError(
            name, f"its data file {_safe(location)} is missing", "copy it beside the model"
        )
    if file.stat().st_size > files.MAX_MODEL:
        raise ShiftloomError(
            name,
            f"its data file {_safe(location)} is larger than {files.size(files.MAX_MODEL)}",
            "give a smaller model",
        )


def _read_tensor(tensor: TensorProto, folder: Path) -> None:
    try:
        external_data_helper.load_external_data_for_tensor(tensor, str(folder))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise ShiftloomError(
            _safe(tensor.name),
            f"its data cannot be read from {_safe(_location(tensor))}",
            "store the model in one file",
        ) from error
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]


def _location(tensor: TensorProto) -> str:
    return next((entry.value for entry in tensor.external_data if entry.key == "location"), "")


def array(tensor: TensorProto, name: str) -> AnyArray:
    """The tensor's values; raises ShiftloomError naming it if its data does not fit its shape."""
    try:
        value: AnyArray = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ShiftloomError(
            _safe(name), f"its data does not fit {list(tensor.dims)[:8]}", "export it again"
        ) from error
    return value
