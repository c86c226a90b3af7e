"""A TFLite graph as a Q/DQ ONNX model: real operators between the quantizers of its tensors."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from shiftloom.codegen.frontends.tflite.load import File, Tensor
from shiftloom.codegen.frontends.tflite.operators import MOVES, TRANSLATIONS, Node, untranslated
from shiftloom.codegen.frontends.tflite.writer import Writer

OPSET = 21


def translate(file: File) -> onnx.ModelProto:
    """The ONNX model; operators without a translation keep their names, to be refused by them.

    Tensor i is the ONNX value `t{i}`, a real number; its integers, if it has any, are `q{i}`.
    Raises ShiftloomError naming a node whose parts do not fit.
    """
    writer = Writer()
    read = {i for operator in file.operators for i in operator.inputs if i >= 0}
    for i in sorted(read):
        value = file.tensors[i].value
        if value is not None:
            writer.constant(value, _source(i, file.tensors[i]))
    for i in sorted(read | set(file.inputs)):
        if file.tensors[i].value is not None or i in file.inputs:
            _dequantize(writer, i, file.tensors[i])
    integers = {i for i in file.inputs if file.tensors[i].scale.size}
    for operator in file.operators:
        node = Node(operator, file.tensors, writer)
        made = TRANSLATIONS.get(operator.kind, untranslated)(node)
        for i in operator.outputs[:1]:
            if file.tensors[i].scale.size and not _keeps_integers(node, file.tensors[i]):
                _quantize(writer, made, i, file.tensors[i])
                integers.add(i)
            else:
                writer.node("Identity", [made], f"{file.tensors[i].name}_real", f"t{i}")
    graph = helper.make_graph(
        writer.nodes,
        "tflite",
        [_info(_source(i, file.tensors[i]), file.tensors[i], True) for i in file.inputs],
        [
            _info(f"q{i}" if i in integers else f"t{i}", file.tensors[i], i in integers)
            for i in file.outputs
        ],
        writer.initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])


def _keeps_integers(node: Node, result: Tensor) -> bool:
    """The result needs no quantizer: it has its input's, or is a Softmax, left to the host."""
    if node.operator.kind == "SOFTMAX":
        return True
    x = node.tensor()
    same = np.array_equal(x.scale, result.scale) and np.array_equal(x.zero, result.zero)
    return node.operator.kind in MOVES and same


def _source(i: int, tensor: Tensor) -> str:
    """The name under which an input or a constant comes."""
    return f"q{i}" if tensor.scale.size else f"t{i}"


def _dequantize(writer: Writer, i: int, tensor: Tensor) -> None:
    """`t{i}` of `q{i}`, for a tensor with integers."""
    if tensor.scale.size:
        inputs = [f"q{i}", *_parameters(writer, tensor)]
        writer.node("DequantizeLinear", inputs, f"{tensor.name}_real", f"t{i}", axis=tensor.axis)


def _quantize(writer: Writer, made: str, i: int, tensor: Tensor) -> None:
    """`q{i}` and `t{i}` of a real result."""
    inputs = [made, *_parameters(writer, tensor)]
    writer.node("QuantizeLinear", inputs, f"{tensor.name}_integers", f"q{i}")
    _dequantize(writer, i, tensor)


def _parameters(writer: Writer, tensor: Tensor) -> tuple[str, str]:
    """Scale and zero point, of the integers' type."""
    shape = () if tensor.scale.size == 1 else (-1,)
    scale, zero = tensor.scale.reshape(shape), tensor.zero.reshape(shape)
    return writer.constant(scale), writer.constant(zero)


def _info(name: str, tensor: Tensor, integers: bool) -> onnx.ValueInfoProto:
    """An end of the network."""
    dtype = np.dtype(tensor.dtype if integers else np.float32)
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), tensor.dims)
