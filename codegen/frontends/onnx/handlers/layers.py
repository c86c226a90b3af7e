"""Convolutions and fully connected layers: Conv, ConvTranspose, Gemm, MatMul."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from shiftloom.codegen.formats.given import GivenWeights
from shiftloom.codegen.frontends.emitter import Emitter
from shiftloom.codegen.frontends.onnx.call import Call
from shiftloom.codegen.frontends.onnx.values import Constant, Weights
from shiftloom.codegen.frontends.views import AnyArray, Feature
from shiftloom.codegen.ops import Conv2d, ConvTranspose2d, Linear
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Pair, Window


def pair(call: Call, name: str, values: Sequence[int]) -> Pair:
    """One or two spatial numbers as (vertical, horizontal); 1-D data has height 1."""
    if len(values) not in (1, 2):
        raise call.refuse(f"{name}={list(values)}", "use one or two spatial dimensions")
    return (1, values[0]) if len(values) == 1 else (values[0], values[1])


def window(call: Call, x: Feature, kernel: Sequence[int]) -> Window:
    """The window of a convolution or pooling over `x`, its pads from `pads` or `auto_pad`."""
    spatial = len(kernel)
    if len(x.dims) != spatial + 1 or spatial not in (1, 2):
        raise call.refuse(
            f"a kernel of {spatial} dimensions on an input of {len(x.dims) + 1}",
            "use 1-D or 2-D kernels, inputs (N, C, W) or (N, C, H, W)",
        )
    strides = _spatial(call, "strides", spatial)
    dilations = _spatial(call, "dilations", spatial)
    start, end = _pads(call, x.dims[1:], kernel, strides, dilations)
    flat = 0 if spatial == 1 else None
    return Window(
        pair(call, "kernel_shape", kernel),
        pair(call, "strides", strides),
        start if flat is None else (0, start[1]),
        end if flat is None else (0, end[1]),
        pair(call, "dilations", dilations),
    )


def _spatial(call: Call, name: str, count: int) -> tuple[int, ...]:
    values = call.integers(name) or (1,) * count
    if len(values) != count:
        raise call.refuse(f"{name}={list(values)}", f"give {count} numbers")
    return values


def _pads(
    call: Call,
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> tuple[Pair, Pair]:
    """Padding at the start and at the end of each spatial dimension."""
    mode = call.text("auto_pad", "NOTSET")
    call.only("auto_pad", mode, "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    count = len(kernel)
    if mode == "NOTSET":
        pads = call.integers("pads") or (0,) * (2 * count)
        if len(pads) != 2 * count:
            raise call.refuse(f"pads={list(pads)}", f"give {2 * count} numbers")
        return _ends(pads[:count]), _ends(pads[count:])
    if mode == "VALID":
        return (0, 0), (0, 0)
    start, end = [], []
    for size, k, s, d in zip(sizes, kernel, strides, dilations, strict=True):
        total = max((math.ceil(size / max(s, 1)) - 1) * s + (k - 1) * d + 1 - size, 0)
        less, more = total // 2, total - total // 2
        start.append(less if mode == "SAME_UPPER" else more)
        end.append(more if mode == "SAME_UPPER" else less)
    return _ends(start), _ends(end)


def _ends(values: Sequence[int]) -> Pair:
    return (0, values[0]) if len(values) == 1 else (values[0], values[1])


def given_of(call: Call, weights: Weights | None) -> GivenWeights | None:
    """The integers of dequantized weights [C_out, …], whose scale may differ by output channel."""
    if weights is None:
        return None
    scale = weights.scale.reshape(len(weights.scale), -1)
    if not (scale == scale[:, :1]).all():
        raise call.refuse(
            "the scale of its weights differs inside an output channel",
            "quantize weights for a tensor or an output channel",
        )
    first = scale[:, 0]
    used = first[:1] if (first == first[0]).all() else first
    kind = weights.type
    return GivenWeights(Array(weights.values), Array(used), kind.bits, kind.signed)


def bias_of(call: Call, value: AnyArray | None, channels: int) -> Array:
    """The bias [C_out] as it came, or zeros."""
    if value is None:
        return Array(np.zeros(channels, dtype=np.float32))
    flat = np.asarray(value).reshape(-1)
    if flat.size not in (1, channels):
        raise call.refuse(f"a bias of {flat.size} values", f"give {channels}")
    return Array(np.broadcast_to(flat, channels))


def _bias(call: Call, index: int) -> AnyArray | None:
    return call.constant(index).value if call.has(index) else None


def kernel_last(call: Call, weights: Constant, transposed: bool = False) -> Constant:
    """ONNX weights [C_out, C_in / groups, (KH,) KW] as [C_out, KH, KW, C_in / groups].

    Those of a transposed convolution come as [C_in, C_out / groups, …].
    """
    if weights.value.ndim not in (3, 4):
        raise call.refuse(f"weights of {weights.value.ndim} dimensions", "use 1-D or 2-D kernels")
    groups = call.integer("group", 1)

    def moved(a: AnyArray) -> AnyArray:
        a = a[:, :, None] if a.ndim == 3 else a
        if not transposed:
            return a.transpose(0, 2, 3, 1)
        c_in, c_out, kh, kw = a.shape
        split = a.reshape(groups, c_in // groups, c_out, kh, kw).transpose(0, 2, 3, 4, 1)
        return split.reshape(groups * c_out, kh, kw, c_in // groups)

    if groups < 1 or weights.value.shape[0] % groups:
        raise call.refuse(f"group={groups}", f"it must divide {weights.value.shape[0]} channels")
    return weights.rearranged(moved)


def convolution(
    emit: Emitter, call: Call, x: Feature, weights: Constant, bias: AnyArray | None
) -> Feature:
    """A Conv node on the real values `x`."""
    kernel = weights.value.shape[2:]
    stated = call.integers("kernel_shape")
    if stated is not None and stated != kernel:
        raise call.refuse(f"kernel_shape={list(stated)}", f"the weights are {list(kernel)}")
    place = window(call, x, kernel)
    moved = kernel_last(call, weights)
    op = Conv2d(
        Array(moved.value),
        bias_of(call, bias, len(moved.value)),
        place,
        call.integer("group", 1),
        given_of(call, moved.weights),
    )
    return _spatial_result(emit.layer(call.name, op, emit.map(call.name, x)), len(x.dims))


def _spatial_result(made: Feature, rank: int) -> Feature:
    """The result (C, H, W) with as many dimensions as the input has: (C, W) for 1-D data."""
    if rank == 3:
        return made
    channels, _, width = made.dims
    return made.viewed(made.elements.reshape(channels, width))


def _conv(emit: Emitter, call: Call) -> Feature:
    return convolution(emit, call, call.numbers(), call.constant(1), _bias(call, 2))


def _conv_transpose(emit: Emitter, call: Call) -> Feature:
    x, weights = call.numbers(), call.constant(1)
    kernel = weights.value.shape[2:]
    call.only("auto_pad", call.text("auto_pad", "NOTSET"), "NOTSET", "VALID")
    if call.integers("output_shape") is not None:
        raise call.refuse("output_shape", "state pads and output_padding")
    place = window(call, x, kernel)
    moved = kernel_last(call, weights, transposed=True)
    extra = _ends(call.integers("output_padding") or (0,) * len(kernel))
    op = ConvTranspose2d(
        Array(moved.value),
        bias_of(call, _bias(call, 2), len(moved.value)),
        place,
        extra,
        call.integer("group", 1),
        given_of(call, moved.weights),
    )
    return _spatial_result(emit.layer(call.name, op, emit.map(call.name, x)), len(x.dims))


def product(
    emit: Emitter, call: Call, x: Feature, weights: Constant, bias: AnyArray | None
) -> Feature:
    """X · W + bias over the last dimension of `x`, W [C_in, C_out]."""
    if weights.value.ndim != 2 or not x.dims:
        raise call.refuse(
            f"multiplies {len(x.dims) + 1} with {weights.value.ndim} dimensions",
            "use a constant matrix of 2 dimensions",
        )
    if x.dims[-1] != weights.value.shape[0]:
        raise call.refuse(f"{x.dims[-1]} inputs for {weights.value.shape[0]} rows", "check shapes")
    weights = weights.rearranged(np.transpose)
    if len(x.dims) == 1:
        return _linear(emit, call, x, weights, bias)
    shaped = weights.rearranged(lambda a: a[:, None, None, :])
    outputs = len(weights.value)
    op = Conv2d(
        Array(shaped.value),
        bias_of(call, bias, outputs),
        Window((1, 1)),
        1,
        given_of(call, shaped.weights),
    )
    axis = len(x.dims) - 1
    source = emit.map(call.name, x, axis)
    return emit.layer(call.name, op, source, dims=(*x.dims[:-1], outputs), axis=axis)


def _linear(
    emit: Emitter, call: Call, x: Feature, weights: Constant, bias: AnyArray | None
) -> Feature:
    """A fully connected layer; its weights take the order in which the vector arrives."""
    source, places = emit.vector(call.name, x)
    outputs = len(weights.value)
    moved = weights.rearranged(lambda a: a[:, np.argsort(places)])
    op = Linear(Array(moved.value), bias_of(call, bias, outputs), given_of(call, moved.weights))
    return emit.layer(call.name, op, source, dims=(outputs,))


def _matmul(emit: Emitter, call: Call) -> Feature:
    if all(isinstance(value, Feature) for value in call.inputs):
        raise call.refuse("a product of two computed values", "attention is not supported")
    return product(emit, call, call.numbers(), call.constant(1), None)


def scaled(weights: Constant, factor: float) -> Constant:
    """The constant times a positive number."""
    if factor == 1:
        return weights
    value = weights.value * np.float64(factor)
    if weights.weights is None:
        return Constant(value)
    inner = weights.weights
    return Constant(value, Weights(inner.values, inner.scale * factor, inner.type))


def gemm_weights(call: Call, index: int) -> Constant:
    """The matrix [C_in, C_out] of a Gemm."""
    call.only("transA", call.integer("transA", 0), 0)
    weights = call.constant(index)
    if weights.value.ndim != 2:
        raise call.refuse(f"weights of {weights.value.ndim} dimensions", "use a matrix")
    if call.integer("transB", 0):
        weights = weights.rearranged(np.transpose)
    alpha = call.real("alpha", 1.0)
    if not (math.isfinite(alpha) and alpha > 0):
        raise call.refuse(f"alpha={alpha:g}", "use a positive number")
    return scaled(weights, alpha)


def _gemm(emit: Emitter, call: Call) -> Feature:
    bias = _bias(call, 2)
    beta = call.real("beta", 1.0)
    if bias is not None and beta != 1:
        bias = bias * np.float64(beta)
    x = call.numbers()
    if len(x.dims) != 1:
        raise call.refuse(f"an input of {len(x.dims) + 1} dimensions", "flatten it")
    return product(emit, call, x, gemm_weights(call, 1), bias)


HANDLERS = (
    ("Conv", _conv),
    ("ConvTranspose", _conv_transpose),
    ("Gemm", _gemm),
    ("MatMul", _matmul),
)
