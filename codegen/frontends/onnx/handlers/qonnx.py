"""QONNX: Quant, BipolarQuant and Trunc (arXiv:2206.07527), in Brevitas' and FINN's domains."""

from __future__ import annotations

import math

import numpy as np

from shiftloom.codegen.frontends.blocks import affine
from shiftloom.codegen.frontends.emitter import Emitter
from shiftloom.codegen.frontends.onnx.call import Call
from shiftloom.codegen.frontends.onnx.handlers.qdq import scale_of
from shiftloom.codegen.frontends.onnx.values import Constant, Value, Weights
from shiftloom.codegen.frontends.views import AnyArray, Feature
from shiftloom.codegen.graph import MAX_INPUT_BITS
from shiftloom.codegen.ops import Bipolar, Quantize
from shiftloom.codegen.values import IntType

_SIGNS = IntType(2, True)
"""Type of the weights ±1."""


def _limits(call: Call, bits: int) -> Quantize:
    """The integer range of a Quant node."""
    signed, narrow = bool(call.integer("signed", 1)), bool(call.integer("narrow", 0))
    return Quantize(1.0, 0, bits, signed, narrow)


def _bits(call: Call, index: int) -> int:
    bits = call.scalar(index)
    if bits != int(bits) or not 1 <= bits <= MAX_INPUT_BITS:
        raise call.refuse(f"{bits:g} bits", f"use 1 to {MAX_INPUT_BITS}")
    return int(bits)


def _rounding(call: Call) -> None:
    mode = call.text("rounding_mode", "ROUND").upper()
    call.only("rounding_mode", mode, "ROUND", "HALF_EVEN")


def _quant(emit: Emitter, call: Call) -> Value:
    _rounding(call)
    bits = _bits(call, 3)
    limits = _limits(call, bits)
    value = call.inputs[0]
    if isinstance(value, Constant):
        return _weights(call, value.value, limits)
    scale, zero = scale_of(call, 1), call.scalar(2)
    if limits.signed and bits == 1:
        return emit.elementwise(call.name, Bipolar(scale), call.numbers())
    if zero % 2:  # rounding (x / s + z) to even differs from rounding x / s only here
        raise call.refuse(f"zero point {zero:g}", "use an even integer, best 0")
    op = Quantize(scale, int(zero), bits, limits.signed, limits.narrow)
    return emit.elementwise(call.name, op, call.numbers())


def _weights(call: Call, value: AnyArray, limits: Quantize) -> Constant:
    """The integers round(x / s + z) − z of constants; s and z meet them by broadcasting."""
    scale, zero = call.constant(1).value, call.constant(2).value
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise call.refuse("a scale that is not positive", "use positive numbers")
    if (zero != np.rint(zero)).any():
        raise call.refuse("a zero point that is no integer", "use integers")
    try:
        exact = np.broadcast_to(np.float64(scale), value.shape)
        y = value / scale + zero
    except ValueError as error:
        raise call.refuse(f"scales {list(scale.shape)} for {list(value.shape)}", "") from error
    if limits.signed and limits.bits == 1:
        return _constant(np.where(y >= 0, 1, -1), exact, _SIGNS)
    q = np.rint(np.clip(y, limits.lo, limits.hi)) - zero
    lo, hi = limits.lo - int(zero.max()), limits.hi - int(zero.min())
    return _constant(q, exact, IntType.covering(lo, hi, signed=limits.signed or lo < 0))


def _constant(q: AnyArray, scale: AnyArray, kind: IntType) -> Constant:
    return Constant(q * scale, Weights(q.astype(np.int64), scale, kind))


def _bipolar(emit: Emitter, call: Call) -> Value:
    value = call.inputs[0]
    if isinstance(value, Constant):
        scale = np.broadcast_to(np.float64(call.constant(1).value), value.value.shape)
        return _constant(np.where(value.value >= 0, 1, -1), scale, _SIGNS)
    return emit.elementwise(call.name, Bipolar(scale_of(call, 1)), call.numbers())


def _trunc(emit: Emitter, call: Call) -> Feature:
    """Drop the low bits of integers s·n: floor(n / 2^k) · s, or · s·2^k with a scale of its own.

    floor(n / 2^k) is the nearest integer to (n − (2^k − 1)/2) / 2^k, with no ties.
    """
    call.only("rounding_mode", call.text("rounding_mode", "FLOOR").upper(), "FLOOR")
    scale = scale_of(call, 1)
    if call.scalar(2) != 0:
        raise call.refuse(f"zero point {call.scalar(2):g}", "use 0")
    own = any(attribute.name == "signed" for attribute in call.proto.attribute)
    out = _bits(call, 4)
    if own:
        result = scale_of(call, 3)
        drop = round(math.log2(result / scale))
        limits = _limits(call, out)
    else:
        result, drop = scale, _bits(call, 3) - out
        limits = Quantize(1.0, 0, out + 1, True)
    if drop < 0:
        raise call.refuse(f"drops {drop} bits", "give fewer output than input bits")
    step = math.ldexp(scale, drop)
    x = affine(emit, call.name, call.numbers(), 1.0, -scale * (2**drop - 1) / 2)
    op = Quantize(step, 0, limits.bits, limits.signed, limits.narrow)
    made = emit.elementwise(f"{call.name}_quant", op, x)
    return affine(emit, call.name, made, result / step, 0.0)


HANDLERS = (
    ("Quant", _quant),
    ("IntQuant", _quant),
    ("BipolarQuant", _bipolar),
    ("Trunc", _trunc),
)
