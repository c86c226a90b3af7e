"""PyTorch modules as layers: what each nn.Module becomes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends import blocks
from shiftloom.codegen.frontends.emitter import Emitter
from shiftloom.codegen.frontends.views import AnyArray, Feature
from shiftloom.codegen.graph import Op
from shiftloom.codegen.ops import (
    AvgPool2d,
    Clip,
    Conv2d,
    ConvTranspose2d,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Linear,
    MaxPool2d,
    PRelu,
    Product,
    Relu,
    Sigmoid,
    Softmax,
    Tanh,
)
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Pair, Window

SUPPORTED = "see docs/operators.md for what is supported"


@dataclass(frozen=True, slots=True)
class Site:
    """A module's place: the graph under construction, the node's name, and its input."""

    emit: Emitter
    name: str
    x: Feature

    def layer(self, op: Op) -> Feature:
        """`op` on the input as a map; the result has the input's number of dimensions."""
        made = self.emit.layer(self.name, op, self.emit.map(self.name, self.x))
        if len(self.x.dims) == 3:
            return made
        channels, _, width = made.dims
        return made.viewed(made.elements.reshape(channels, width))

    def elementwise(self, op: Op) -> Feature:
        """`op` on each element of the input."""
        return self.emit.elementwise(self.name, op, self.x)

    def require(self, attribute: str, value: object, allowed: object) -> None:
        """Refuse an attribute that is not as `allowed`."""
        if value != allowed:
            raise ShiftloomError(
                self.name, f"unsupported {attribute}={value!r}", f"use {attribute}={allowed!r}"
            )

    def pair(self, attribute: str, value: Any) -> Pair:
        """(vertical, horizontal) of an integer or a pair; in 1-D the horizontal of it."""
        flat = len(self.x.dims) == 2
        if isinstance(value, int):
            return (int(attribute in _ONES), value) if flat else (value, value)
        whole = isinstance(value, tuple) and all(isinstance(v, int) for v in value)
        if whole and len(value) == 1 + (not flat):
            return (int(attribute in _ONES), value[0]) if flat else (value[0], value[1])
        raise ShiftloomError(
            self.name, f"{attribute}={value!r}", "use an integer or a pair of them"
        )


_ONES = ("kernel_size", "stride", "dilation")
"""Attributes that are 1 along the height of 1-D data; the others are 0."""


def array(tensor: torch.Tensor | None, size: int = 0) -> AnyArray:
    """The tensor as float32, or `size` zeros."""
    if tensor is None:
        return np.zeros(size, dtype=np.float32)
    found: AnyArray = tensor.detach().to(torch.float32).numpy()
    return found


def _window(site: Site, m: Any) -> Window:
    kernel = site.pair("kernel_size", m.kernel_size)
    stride = site.pair("stride", m.kernel_size if m.stride is None else m.stride)
    dilation = site.pair("dilation", getattr(m, "dilation", 1))
    if m.padding == "valid":
        return Window(kernel, stride, dilation=dilation)
    if m.padding != "same":
        return Window(kernel, stride, site.pair("padding", m.padding), dilation=dilation)
    total = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    start, end = [t // 2 for t in total], [t - t // 2 for t in total]
    return Window(kernel, stride, (start[0], start[1]), (end[0], end[1]), dilation)


def _conv(site: Site, m: nn.Conv2d | nn.Conv1d) -> Feature:
    site.require("padding_mode", m.padding_mode, "zeros")
    weights = array(m.weight)
    weights = weights[:, :, None] if weights.ndim == 3 else weights
    bias = Array(array(m.bias, m.out_channels))
    op = Conv2d(Array(weights.transpose(0, 2, 3, 1)), bias, _window(site, m), m.groups)
    return site.layer(op)


def _conv_transpose(site: Site, m: nn.ConvTranspose2d) -> Feature:
    weights = array(m.weight)
    c_in, c_out, kh, kw = weights.shape
    split = weights.reshape(m.groups, c_in // m.groups, c_out, kh, kw).transpose(0, 2, 3, 4, 1)
    kernel = Array(split.reshape(m.groups * c_out, kh, kw, c_in // m.groups))
    bias = Array(array(m.bias, m.out_channels))
    extra = site.pair("output_padding", m.output_padding)
    return site.layer(ConvTranspose2d(kernel, bias, _window(site, m), extra, m.groups))


def _linear(site: Site, m: nn.Linear) -> Feature:
    weights, bias = array(m.weight), Array(array(m.bias, m.out_features))
    if not site.x.dims or site.x.dims[-1] != m.in_features:
        raise ShiftloomError(
            site.name,
            f"weights take a vector of {m.in_features}, the input is {list(site.x.dims)}",
            "put a Flatten before it, or check the input size",
        )
    emit, name, x = site.emit, site.name, site.x
    if len(x.dims) == 1:
        source, places = emit.vector(name, x)
        ordered = Array(weights[:, np.argsort(places)])
        return emit.layer(name, Linear(ordered, bias), source, dims=(m.out_features,))
    op = Conv2d(Array(weights[:, None, None, :]), bias, Window((1, 1)))
    axis = len(x.dims) - 1
    dims = (*x.dims[:-1], m.out_features)
    return emit.layer(name, op, emit.map(name, x, axis), dims=dims, axis=axis)


def _max_pool(site: Site, m: nn.MaxPool2d | nn.MaxPool1d) -> Feature:
    site.require("ceil_mode", m.ceil_mode, False)
    site.require("return_indices", m.return_indices, False)
    return site.layer(MaxPool2d(_window(site, m)))


def _avg_pool(site: Site, m: nn.AvgPool2d | nn.AvgPool1d) -> Feature:
    site.require("ceil_mode", m.ceil_mode, False)
    site.require("divisor_override", getattr(m, "divisor_override", None), None)
    return site.layer(AvgPool2d(_window(site, m), m.count_include_pad))


def _adaptive(site: Site, m: nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d) -> Feature:
    mean = isinstance(m, nn.AdaptiveAvgPool2d | nn.AdaptiveAvgPool1d)
    if not mean:
        site.require("return_indices", m.return_indices, False)
    sizes = m.output_size if isinstance(m.output_size, Sequence) else (m.output_size,)
    if any(size != 1 for size in sizes):
        raise ShiftloomError(
            site.name, f"unsupported output_size={m.output_size!r}", "use output_size=1"
        )
    return blocks.over_pixels(site.emit, site.name, site.x, 0, mean=mean)


def _batch_norm(site: Site, m: nn.BatchNorm2d | nn.BatchNorm1d) -> Feature:
    if m.running_mean is None or m.running_var is None:
        raise ShiftloomError(site.name, "has no running statistics", "track_running_stats=True")
    size = m.num_features
    if not site.x.dims or site.x.dims[0] != size:
        found = site.x.dims[0] if site.x.dims else 0
        raise ShiftloomError(
            site.name, f"normalizes {size} channels, the input has {found}", "check the model"
        )
    gamma = np.float64(array(m.weight)) if m.weight is not None else np.ones(size)
    scale = gamma / np.sqrt(np.float64(array(m.running_var)) + m.eps)
    shift = array(m.bias, size) - array(m.running_mean) * scale
    column = (-1, *(1,) * (len(site.x.dims) - 1))
    values = scale.reshape(column), shift.reshape(column)
    return blocks.affine(site.emit, site.name, site.x, *values)


def _flatten(site: Site, m: nn.Flatten) -> Feature:
    site.require("start_dim", m.start_dim, 1)
    rank = len(site.x.dims) + 1
    if m.end_dim not in (-1, rank - 1):
        site.require("end_dim", m.end_dim, -1)
    return site.x.viewed(site.x.elements.reshape(-1))


def _prelu(site: Site, m: nn.PReLU) -> Feature:
    slope = array(m.weight).reshape(-1, *(1,) * (len(site.x.dims) - 1))
    x, (found,) = blocks.channelwise(site.emit, site.name, site.x, slope)
    slopes = np.broadcast_to(found, x.arrangement.shape[2]).astype(np.float32)
    return site.emit.elementwise(site.name, PRelu(Array(slopes)), x)


def _softmax(site: Site, m: nn.Softmax) -> Feature:
    rank = len(site.x.dims) + 1
    if m.dim is None or not -rank <= m.dim < rank or m.dim % rank == 0:
        raise ShiftloomError(site.name, f"unsupported dim={m.dim!r}", "use dim=1")
    axis = m.dim % rank - 1
    source = site.emit.map(site.name, site.x, axis)
    return site.emit.layer(site.name, Softmax(), source, dims=site.x.dims, axis=axis)


def _pad(site: Site, m: Any) -> Feature:
    """`padding` goes from the last dimension backwards: left, right, top, bottom."""
    flat = list(m.padding)
    sides: list[Pair] = [(0, 0)] * len(site.x.dims)
    for i in range(len(flat) // 2):
        sides[-1 - i] = (flat[2 * i], flat[2 * i + 1])
    return blocks.padded(site.emit, site.name, site.x, sides, float(m.value))


def _upsample(site: Site, m: nn.Upsample) -> Feature:
    site.require("mode", m.mode, "nearest")
    sizes = site.x.dims[1:]
    if m.size is not None:
        wanted = m.size if isinstance(m.size, Sequence) else (m.size,) * len(sizes)
        found = [w / s for w, s in zip(wanted, sizes, strict=True)]
    else:
        scale = m.scale_factor
        found = list(scale) if isinstance(scale, Sequence) else [float(scale or 0)] * len(sizes)
    if any(not math.isfinite(f) or f != int(f) or f < 1 for f in found):
        raise ShiftloomError(site.name, f"scales by {found}", "use whole factors")
    return blocks.repeated(site.emit, site.name, site.x, [1, *map(int, found)])


def _shuffle(site: Site, m: nn.ChannelShuffle) -> Feature:
    channels, *rest = site.x.dims
    if channels % m.groups:
        raise ShiftloomError(
            site.name, f"{m.groups} groups of {channels} channels", "use a divisor of them"
        )
    split = site.x.elements.reshape(m.groups, channels // m.groups, *rest).swapaxes(0, 1)
    return site.x.viewed(split.reshape(channels, *rest))


def _same(site: Site, m: nn.Module) -> Feature:
    return site.x


def _clip(site: Site, m: nn.Hardtanh) -> Feature:
    return site.elementwise(Clip(float(m.min_val), float(m.max_val)))


Import = Callable[[Site, Any], Feature]

_IMPORTERS: tuple[tuple[type[nn.Module], Import], ...] = (
    (nn.Conv2d, _conv),
    (nn.Conv1d, _conv),
    (nn.ConvTranspose2d, _conv_transpose),
    (nn.Linear, _linear),
    (nn.MaxPool2d, _max_pool),
    (nn.MaxPool1d, _max_pool),
    (nn.AvgPool2d, _avg_pool),
    (nn.AvgPool1d, _avg_pool),
    (nn.AdaptiveAvgPool2d, _adaptive),
    (nn.AdaptiveAvgPool1d, _adaptive),
    (nn.AdaptiveMaxPool2d, _adaptive),
    (nn.BatchNorm2d, _batch_norm),
    (nn.BatchNorm1d, _batch_norm),
    (nn.ReLU, lambda site, m: site.elementwise(Relu())),
    (nn.ReLU6, _clip),
    (nn.Hardtanh, _clip),
    (nn.LeakyReLU, lambda site, m: site.elementwise(LeakyRelu(m.negative_slope))),
    (nn.PReLU, _prelu),
    (nn.Hardswish, lambda site, m: site.elementwise(HardSwish())),
    (nn.Hardsigmoid, lambda site, m: site.elementwise(HardSigmoid())),
    (nn.SiLU, lambda site, m: site.elementwise(Product((), (Sigmoid(),)))),
    (nn.Sigmoid, lambda site, m: site.elementwise(Sigmoid())),
    (nn.Tanh, lambda site, m: site.elementwise(Tanh())),
    (nn.Softmax, _softmax),
    (nn.Flatten, _flatten),
    (nn.ZeroPad2d, _pad),
    (nn.ConstantPad1d, _pad),
    (nn.ConstantPad2d, _pad),
    (nn.Upsample, _upsample),
    (nn.UpsamplingNearest2d, _upsample),
    (nn.ChannelShuffle, _shuffle),
    (nn.Identity, _same),
    (nn.Dropout, _same),
    (nn.Dropout1d, _same),
    (nn.Dropout2d, _same),
)

_RECURRENCE = "recurrence and attention are not supported"
_REFUSED = (
    (
        re.compile("RNN|LSTM|GRU|Attention|Transformer"),
        "recurrence and attention are not supported",
    ),
    (re.compile("LayerNorm|InstanceNorm|GroupNorm|RMSNorm"), "use BatchNorm, whose scale is fixed"),
    (re.compile("PixelShuffle|PixelUnshuffle|Unfold"), "use Upsample, or strided convolutions"),
    (re.compile("3d$"), "use 1-D or 2-D layers"),
)


def importer(node: str, module: nn.Module) -> Import:
    """The importer of a module's type; raises ShiftloomError naming `node` if there is none."""
    for kind, found in _IMPORTERS:
        if type(module) is kind:
            return found
    name = type(module).__name__
    hint = next((hint for pattern, hint in _REFUSED if pattern.search(name)), SUPPORTED)
    raise ShiftloomError(node, f"unsupported module {name}", hint)
