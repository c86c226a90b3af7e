"""Layers on integers: ConvInteger, MatMulInteger, and the QLinear family, which quantize again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shiftloom.codegen.frontends.blocks import add, concatenate, over_pixels
from shiftloom.codegen.frontends.emitter import Emitter
from shiftloom.codegen.frontends.onnx.call import Call
from shiftloom.codegen.frontends.onnx.handlers import pools, qdq
from shiftloom.codegen.frontends.onnx.handlers.layers import convolution, gemm_weights, product
from shiftloom.codegen.frontends.onnx.values import Constant
from shiftloom.codegen.frontends.views import AnyArray, Feature, Integers
from shiftloom.codegen.ops import LeakyRelu, Sigmoid
from shiftloom.codegen.values import IntType

_INT32 = IntType(32, True)


def _input(emit: Emitter, call: Call, index: int, scale: int, zero: int) -> Feature:
    """The real values of input `index`, its scale and zero point being other inputs."""
    inner = replace(call, name=f"{call.name}_in")
    x = call.feature(index)
    return qdq.dequantize(emit, inner, x, qdq.scale_of(call, scale), qdq.zero_of(call, zero))


def _output(emit: Emitter, call: Call, x: Feature, scale: int, zero: int) -> Feature:
    """`x` quantized to the type of the zero point's input."""
    kind = IntType(8, False)
    if call.has(zero):
        kind = qdq.int_type(call, call.constant(zero).value.dtype)
    name = f"{call.name}_quant"
    at = qdq.scale_of(call, scale), qdq.zero_of(call, zero)
    return qdq.quantize(emit, call, name, x, *at, kind)


def _weights(call: Call, index: int, scale: AnyArray, zero: int | None, axis: int) -> Constant:
    """Dequantized weights; scales and zero points of several values go along `axis`."""
    value = call.constant(index)
    offset = np.zeros((), dtype=np.int64)
    if zero is not None and call.has(zero):
        offset = call.constant(zero).value.astype(np.int64)

    def shaped(a: AnyArray) -> AnyArray:
        if a.size == 1:
            return a.reshape(())
        if a.size != value.value.shape[axis]:
            raise call.refuse(f"{a.size} scales or zero points", "give one for each output channel")
        return a.reshape(
            *(-1 if i == axis % value.value.ndim else 1 for i in range(value.value.ndim))
        )

    kind = qdq.int_type(call, value.value.dtype)
    return qdq.dequantized(call, value, shaped(np.asarray(scale)), shaped(offset), kind)


def _raw(emit: Emitter, call: Call, zero: int) -> tuple[Feature, float]:
    """The first input without its zero point, and the scale that its real values keep."""
    x = call.feature()
    if x.integers is None:
        raise call.refuse("reads real numbers", "put a QuantizeLinear before it")
    scale = x.integers.scale
    inner = replace(call, name=f"{call.name}_in")
    return qdq.dequantize(emit, inner, x, scale, qdq.zero_of(call, zero)), scale


def _conv_integer(emit: Emitter, call: Call) -> Feature:
    x, scale = _raw(emit, call, 2)
    weights = _weights(call, 1, np.ones(()), 3, 0)
    return replace(convolution(emit, call, x, weights, None), integers=Integers(scale, 0, _INT32))


def _matmul_integer(emit: Emitter, call: Call) -> Feature:
    x, scale = _raw(emit, call, 2)
    weights = _weights(call, 1, np.ones(()), 3, -1)
    return replace(product(emit, call, x, weights, None), integers=Integers(scale, 0, _INT32))


def _qlinear_conv(emit: Emitter, call: Call) -> Feature:
    x = _input(emit, call, 0, 1, 2)
    scale = call.constant(4).value
    weights = _weights(call, 3, scale, 5, 0)
    bias = None
    if call.has(8):
        bias = call.constant(8).value.astype(np.int64) * (np.float64(scale) * call.scalar(1))
    return _output(emit, call, convolution(emit, call, x, weights, bias), 6, 7)


def _qlinear_matmul(emit: Emitter, call: Call) -> Feature:
    x = _input(emit, call, 0, 1, 2)
    weights = _weights(call, 3, call.constant(4).value, 5, -1)
    return _output(emit, call, product(emit, call, x, weights, None), 6, 7)


def _qgemm(emit: Emitter, call: Call) -> Feature:
    x = _input(emit, call, 0, 1, 2)
    scale = call.constant(4).value
    axis = 0 if call.integer("transB", 0) else 1
    weights = _weights(call, 3, scale, 5, axis)
    inputs = (*call.inputs[:3], weights, *call.inputs[4:])
    weights = gemm_weights(replace(call, inputs=inputs), 3)
    bias = None
    if call.has(6):
        factor = np.float64(scale) * call.scalar(1) * call.real("alpha", 1.0)
        bias = call.constant(6).value.astype(np.int64) * factor
    return _output(emit, call, product(emit, call, x, weights, bias), 7, 8)


def _qlinear_add(emit: Emitter, call: Call) -> Feature:
    a, b = _input(emit, call, 0, 1, 2), _input(emit, call, 3, 4, 5)
    return _output(emit, call, add(emit, call.name, a, b), 6, 7)


def _qlinear_pool(emit: Emitter, call: Call) -> Feature:
    call.only("channels_last", call.integer("channels_last", 0), 0)
    x = _input(emit, call, 0, 1, 2)
    if call.kind == "QLinearAveragePool":
        return _output(emit, call, pools.average(emit, call, x), 3, 4)
    return _output(emit, call, over_pixels(emit, call.name, x, 0, mean=True), 3, 4)


def _qlinear_function(emit: Emitter, call: Call) -> Feature:
    x = _input(emit, call, 0, 1, 2)
    op = Sigmoid() if call.kind == "QLinearSigmoid" else LeakyRelu(call.real("alpha", 0.01))
    return _output(emit, call, emit.elementwise(call.name, op, x), 3, 4)


def _qlinear_concat(emit: Emitter, call: Call) -> Feature:
    parts = [_input(emit, call, i, i + 1, i + 2) for i in range(2, len(call.inputs), 3)]
    rank = len(parts[0].dims) + 1 if parts else 0
    axis = call.integer("axis", 1)
    if not -rank <= axis < rank or axis % rank == 0:
        raise call.refuse(f"axis={axis}", "join channels, axis=1")
    return _output(emit, call, concatenate(emit, call.name, parts, axis % rank - 1), 0, 1)


HANDLERS = (
    ("ConvInteger", _conv_integer),
    ("MatMulInteger", _matmul_integer),
    ("QLinearConv", _qlinear_conv),
    ("QLinearMatMul", _qlinear_matmul),
)
MICROSOFT = (
    ("QLinearAdd", _qlinear_add),
    ("QGemm", _qgemm),
    ("QLinearGlobalAveragePool", _qlinear_pool),
    ("QLinearAveragePool", _qlinear_pool),
    ("QLinearSigmoid", _qlinear_function),
    ("QLinearLeakyRelu", _qlinear_function),
    ("QLinearConcat", _qlinear_concat),
)
