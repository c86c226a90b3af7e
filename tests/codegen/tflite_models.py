"""Small TFLite files made in memory, and what LiteRT's own interpreter makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
import tflite
from ai_edge_litert.interpreter import Interpreter, OpResolverType

AnyArray = npt.NDArray[Any]

_TYPES = {
    "float32": tflite.TensorType.FLOAT32,
    "int8": tflite.TensorType.INT8,
    "int32": tflite.TensorType.INT32,
    "bool": tflite.TensorType.BOOL,
}


@dataclass(frozen=True)
class T:
    """A tensor: its shape and type, or its value; scales and zero points make it quantized."""

    dims: tuple[int, ...] = ()
    value: AnyArray | None = None
    dtype: str = "float32"
    scale: Sequence[float] = ()
    zero: Sequence[int] = ()
    axis: int = 0


@dataclass(frozen=True)
class Op:
    """An operator, the names of its tensors and its options, as `("AddOptions", {...})`."""

    kind: str
    inputs: str
    output: str
    options: tuple[str, Mapping[str, int | float]] = ("", field(default_factory=dict))  # type: ignore[assignment]


def made(
    tensors: Mapping[str, T], operators: Sequence[Op], inputs: str = "x", outputs: str = "y"
) -> bytes:
    """A TFLite file; names part at spaces, "-" is an input left out."""
    b = flatbuffers.Builder(1024)
    numbers = {name: i for i, name in enumerate(tensors)} | {"-": -1}
    data = [b""] + [
        np.ascontiguousarray(t.value).tobytes() for t in tensors.values() if t.value is not None
    ]
    buffers = []
    for content in data:
        content_at = b.CreateByteVector(content) if content else None
        tflite.BufferStart(b)
        if content_at is not None:
            tflite.BufferAddData(b, content_at)
        buffers.append(tflite.BufferEnd(b))
    used = 0
    places = []
    for name, tensor in tensors.items():
        used += tensor.value is not None
        places.append(_tensor(b, name, tensor, used if tensor.value is not None else 0))
    kinds = sorted({operator.kind for operator in operators})
    nodes = [_operator(b, operator, kinds, numbers) for operator in operators]
    graph_parts = [
        _offsets(b, places),
        _ints(b, [numbers[name] for name in inputs.split()]),
        _ints(b, [numbers[name] for name in outputs.split()]),
        _offsets(b, nodes),
    ]
    tflite.SubGraphStart(b)
    tflite.SubGraphAddTensors(b, graph_parts[0])
    tflite.SubGraphAddInputs(b, graph_parts[1])
    tflite.SubGraphAddOutputs(b, graph_parts[2])
    tflite.SubGraphAddOperators(b, graph_parts[3])
    graph = tflite.SubGraphEnd(b)
    codes = []
    for kind in kinds:
        number = getattr(tflite.BuiltinOperator, kind)
        tflite.OperatorCodeStart(b)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(number, 127))
        tflite.OperatorCodeAddBuiltinCode(b, number)
        tflite.OperatorCodeAddVersion(b, 1)
        codes.append(tflite.OperatorCodeEnd(b))
    parts = [_offsets(b, codes), _offsets(b, [graph]), _offsets(b, buffers)]
    tflite.ModelStart(b)
    tflite.ModelAddVersion(b, 3)
    tflite.ModelAddOperatorCodes(b, parts[0])
    tflite.ModelAddSubgraphs(b, parts[1])
    tflite.ModelAddBuffers(b, parts[2])
    b.Finish(tflite.ModelEnd(b), b"TFL3")
    return bytes(b.Output())


def _tensor(b: flatbuffers.Builder, name: str, tensor: T, buffer: int) -> int:
    dims = tensor.dims if tensor.value is None else tensor.value.shape
    dtype = tensor.dtype if tensor.value is None else tensor.value.dtype.name
    quantization = None
    if tensor.scale:
        scale, zero = (
            b.CreateNumpyVector(np.asarray(v, t))
            for v, t in ((tensor.scale, np.float32), (tensor.zero, np.int64))
        )
        tflite.QuantizationParametersStart(b)
        tflite.QuantizationParametersAddScale(b, scale)
        tflite.QuantizationParametersAddZeroPoint(b, zero)
        tflite.QuantizationParametersAddQuantizedDimension(b, tensor.axis)
        quantization = tflite.QuantizationParametersEnd(b)
    text, shape = b.CreateString(name), _ints(b, dims)
    tflite.TensorStart(b)
    tflite.TensorAddShape(b, shape)
    tflite.TensorAddType(b, _TYPES[dtype])
    tflite.TensorAddBuffer(b, buffer)
    tflite.TensorAddName(b, text)
    if quantization is not None:
        tflite.TensorAddQuantization(b, quantization)
    return int(tflite.TensorEnd(b))


def _operator(
    b: flatbuffers.Builder, operator: Op, kinds: list[str], numbers: Mapping[str, int]
) -> int:
    name, fields = operator.options
    options = None
    if name:
        getattr(tflite, f"{name}Start")(b)
        for key, value in fields.items():
            getattr(tflite, f"{name}Add{key}")(b, value)
        options = getattr(tflite, f"{name}End")(b)
    inputs = _ints(b, [numbers[each] for each in operator.inputs.split()])
    outputs = _ints(b, [numbers[operator.output]])
    tflite.OperatorStart(b)
    tflite.OperatorAddOpcodeIndex(b, kinds.index(operator.kind))
    tflite.OperatorAddInputs(b, inputs)
    tflite.OperatorAddOutputs(b, outputs)
    if options is not None:
        tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, name))
        tflite.OperatorAddBuiltinOptions(b, options)
    return int(tflite.OperatorEnd(b))


def _ints(b: flatbuffers.Builder, values: Sequence[int]) -> int:
    return int(b.CreateNumpyVector(np.asarray(values, np.int32)))


def _offsets(b: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return int(b.EndVector())


def litert(data: bytes, x: AnyArray) -> AnyArray:
    """The interpreter's first output for each frame of `x`, by its reference kernels."""
    interpreter = Interpreter(
        model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    source, result = (
        interpreter.get_input_details()[0]["index"],
        interpreter.get_output_details()[0]["index"],
    )
    made = []
    for frame in x:
        interpreter.set_tensor(source, frame[None])
        interpreter.invoke()
        made.append(interpreter.get_tensor(result)[0].copy())
    return np.stack(made)
