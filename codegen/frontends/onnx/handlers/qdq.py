"""QuantizeLinear, q = saturate(round_half_even(x / s) + z), and DequantizeLinear, s · (q − z)."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from shiftloom.codegen.frontends.blocks import affine
from shiftloom.codegen.frontends.emitter import Emitter
from shiftloom.codegen.frontends.onnx import load
from shiftloom.codegen.frontends.onnx.call import Call
from shiftloom.codegen.frontends.onnx.values import Constant, Value, Weights
from shiftloom.codegen.frontends.views import AnyArray, Feature, Integers
from shiftloom.codegen.graph import MAX_INPUT_BITS
from shiftloom.codegen.ops import Quantize
from shiftloom.codegen.values import IntType


def int_type(call: Call, dtype: np.dtype[np.generic]) -> IntType:
    """The integer type of a NumPy dtype, those of 4 bits included."""
    match = re.fullmatch(r"(u?)int(\d+)", dtype.name)
    if match is None:
        raise call.refuse(f"quantizes to {dtype.name}", "use int8, uint8 or other integers")
    return IntType(int(match[2]), not match[1])


def scale_of(call: Call, index: int) -> float:
    """The positive scale of activations, one for all."""
    scale = call.scalar(index)
    if not (np.isfinite(scale) and scale > 0):
        raise call.refuse(f"scale {scale}", "use a positive number")
    return scale


def zero_of(call: Call, index: int) -> int:
    """The zero point of activations, one for all; 0 if it is left out."""
    return int(call.scalar(index)) if call.has(index) else 0


def quantize(
    emit: Emitter, call: Call, name: str, x: Feature, scale: float, zero: int, kind: IntType
) -> Feature:
    """The integers of a quantizer on the real values `x`."""
    if kind.bits > MAX_INPUT_BITS:
        raise call.refuse(f"quantizes to {kind}", f"use at most {MAX_INPUT_BITS} bits")
    op = Quantize(scale, zero, kind.bits, kind.signed)
    return emit.elementwise(name, op, x, Integers(scale, zero, kind))


def dequantize(emit: Emitter, call: Call, x: Feature, scale: float, zero: int) -> Feature:
    """The real values scale · (q − zero) of the integers `x`."""
    if x.integers is None:
        raise call.refuse("reads real numbers", "put a QuantizeLinear before it")
    plain, old = replace(x, integers=None), x.integers
    if old.scale == scale:
        return affine(emit, call.name, plain, 1.0, scale * (old.zero - zero))
    return affine(emit, call.name, plain, scale / old.scale, scale * (old.zero - zero))


def _output_type(call: Call) -> IntType:
    """By the zero point, the attribute output_dtype, or uint8."""
    if call.has(2):
        return int_type(call, call.constant(2).value.dtype)
    stated = call.integer("output_dtype", 0)
    return int_type_named(call, load.type_name(stated)) if stated else IntType(8, False)


def int_type_named(call: Call, name: str) -> IntType:
    """The integer type of an ONNX type's name."""
    match = re.fullmatch(r"(u?)int(\d+)", name)
    if match is None:
        raise call.refuse(f"quantizes to {name}", "use int8, uint8 or other integers")
    return IntType(int(match[2]), not match[1])


def _quantize_linear(emit: Emitter, call: Call) -> Value:
    call.only("block_size", call.integer("block_size", 0), 0)
    kind = _output_type(call)
    value = call.inputs[0]
    if isinstance(value, Constant):
        scales, zeros = _parameters(call, value.value)
        q = np.rint(value.value / scales) + zeros
        return Constant(np.clip(q, kind.lo, kind.hi).astype(_dtype(kind)))
    scale, zero = scale_of(call, 1), zero_of(call, 2)
    return quantize(emit, call, call.name, call.numbers(), scale, zero, kind)


def _dtype(kind: IntType) -> str:
    bits = next(bits for bits in (8, 16, 32, 64) if bits >= kind.bits)
    return f"{'int' if kind.signed else 'uint'}{bits}"


def _parameters(call: Call, value: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Scale and zero point of a constant, shaped to meet it, for a tensor or along `axis`."""
    scale = call.constant(1).value
    zero = call.constant(2).value if call.has(2) else np.zeros((), dtype=np.int64)
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise call.refuse("a scale that is not positive", "use positive numbers")
    call.only("block_size", call.integer("block_size", 0), 0)
    axis = call.integer("axis", 1)
    found = []
    for parameter in (scale, zero.astype(np.int64)):
        if parameter.size == 1:
            found.append(parameter.reshape(()))
            continue
        rank = value.ndim
        if not -rank <= axis < rank or parameter.shape != (value.shape[axis],):
            raise call.refuse(
                f"scales {list(parameter.shape)} for {list(value.shape)}",
                f"give one for axis {axis}",
            )
        found.append(parameter.reshape(*(-1 if i == axis % rank else 1 for i in range(rank))))
    return found[0], found[1]


def dequantized(
    call: Call, value: Constant, scale: AnyArray, zero: AnyArray, kind: IntType
) -> Constant:
    """A constant with the integers (q − zero) behind it; its scale is kept exactly."""
    if value.weights is not None:
        raise call.refuse("dequantizes real numbers", "check the model")
    q = value.value.astype(np.int64) - zero
    exact = np.broadcast_to(np.float64(scale), q.shape)
    lo, hi = kind.lo - int(zero.max()), kind.hi - int(zero.min())
    covering = IntType.covering(lo, hi, signed=lo < 0)
    return Constant(q * exact, Weights(q, exact, covering))


def _dequantize_linear(emit: Emitter, call: Call) -> Value:
    value = call.inputs[0]
    if isinstance(value, Constant):
        scale, zero = _parameters(call, value.value)
        return dequantized(call, value, scale, zero, int_type(call, value.value.dtype))
    return dequantize(emit, call, call.feature(), scale_of(call, 1), zero_of(call, 2))


HANDLERS = (
    ("QuantizeLinear", _quantize_linear),
    ("DequantizeLinear", _dequantize_linear),
)
