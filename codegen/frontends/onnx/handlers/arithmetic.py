"""Sums of computed values, and sums and products with constants: Add, Mul, BatchNormalization."""

from __future__ import annotations

import numpy as np

from shiftloom.codegen.frontends.blocks import add, affine, product
from shiftloom.codegen.frontends.emitter import Emitter
from shiftloom.codegen.frontends.onnx.call import Call
from shiftloom.codegen.frontends.onnx.values import Constant
from shiftloom.codegen.frontends.views import AnyArray, Feature


def _sum(emit: Emitter, call: Call) -> Feature:
    """Add, Sub and Sum of computed values and constants."""
    sign = -1 if call.kind == "Sub" else 1
    if len(call.inputs) > 2 or call.kind == "Sum":
        return _long_sum(emit, call)
    if isinstance(call.inputs[0], Constant):
        shift = np.float64(known(call, 0, call.numbers(1)))
        return affine(emit, call.name, call.numbers(1), float(sign), shift)
    x = call.numbers(0)
    if isinstance(call.inputs[1], Constant):
        return affine(emit, call.name, x, 1.0, sign * np.float64(known(call, 1, x)))
    return add(emit, call.name, x, call.numbers(1), (1, sign))


def _long_sum(emit: Emitter, call: Call) -> Feature:
    total = call.numbers(0)
    for index in range(1, len(call.inputs)):
        total = add(emit, call.name, total, call.numbers(index))
    return total


def known(call: Call, index: int, x: Feature) -> AnyArray:
    """A constant beside `x`; opset 6 places it by `axis` instead of by its last dimensions."""
    value = call.constant(index).value
    if call.opset > 6 or not call.integer("broadcast", 0) or value.ndim == 0:
        return value
    axis = call.integer("axis", len(x.dims) + 1 - value.ndim)
    behind = len(x.dims) + 1 - axis - value.ndim
    if axis < 0 or behind < 0:
        raise call.refuse(f"axis={axis}", "use opset 7 or later")
    return value.reshape(*value.shape, *(1,) * behind)


def _product(emit: Emitter, call: Call) -> Feature:
    """Mul and Div by a constant, and Mul of two functions of one value."""
    if call.kind == "Mul" and all(isinstance(value, Feature) for value in call.inputs):
        return product(emit, call.name, call.numbers(0), call.numbers(1))
    if call.kind == "Div":
        divisor = np.float64(known(call, 1, call.numbers(0)))
        if (divisor == 0).any():
            raise call.refuse("a division by zero", "check the model")
        return affine(emit, call.name, call.numbers(0), 1 / divisor, 0.0)
    index = 0 if isinstance(call.inputs[0], Feature) else 1
    factor = np.float64(known(call, 1 - index, call.numbers(index)))
    return affine(emit, call.name, call.numbers(index), factor, 0.0)


def _negate(emit: Emitter, call: Call) -> Feature:
    return affine(emit, call.name, call.numbers(), -1.0, 0.0)


def _batch_norm(emit: Emitter, call: Call) -> Feature:
    call.only("training_mode", call.integer("training_mode", 0), 0)
    x = call.numbers()
    gamma, beta, mean, variance = (np.float64(call.constant(i).value) for i in (1, 2, 3, 4))
    if not x.dims or any(v.shape != x.dims[:1] for v in (gamma, beta, mean, variance)):
        raise call.refuse("statistics that do not fit the channels", "check the model")
    power = variance + call.real("epsilon", 1e-5)
    if not (power > 0).all():
        raise call.refuse("a variance below zero", "check the model")
    scale = gamma / np.sqrt(power)
    column = (-1, *(1,) * (len(x.dims) - 1))
    return affine(emit, call.name, x, scale.reshape(column), (beta - mean * scale).reshape(column))


HANDLERS = (
    ("Add", _sum),
    ("Sub", _sum),
    ("Sum", _sum),
    ("Mul", _product),
    ("Div", _product),
    ("Neg", _negate),
    ("BatchNormalization", _batch_norm),
)
