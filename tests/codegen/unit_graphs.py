"""Graphs of one integer unit, and what a unit computes as loops over Python integers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shiftloom.codegen.formats import Int
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.qgraph import Mac, QGraph, QInput, QNode, QTensor, Unit, WindowReduce
from shiftloom.codegen.values import Array, IntArray, IntType, Shape
from shiftloom.codegen.windows import Window

ONE = Array(np.asarray(1.0))


def mac(
    weights: IntArray, bias: IntArray, window: Window, pad_value: int = 0, groups: int = 1
) -> Mac:
    """A matrix unit of any integers."""
    ones = Array(np.ones(len(weights), dtype=np.int64))
    codes = QuantizedWeights(Int(16), Array(weights), ones, 0)
    return Mac(Array(weights), Array(bias), window, pad_value, codes, groups)


def single(unit: Unit, source: Shape, kind: IntType, shape: Shape, inputs: int = 1) -> QGraph:
    """One unit "unit" on `inputs` inputs of the same tensor."""
    names = ("input", "input2")[:inputs]
    tensor = QTensor(source, kind, ONE)
    node = QNode("unit", unit, names, QTensor(shape, IntType(40, True), ONE), "layer")
    return QGraph("net", tuple(QInput(name, tensor) for name in names), (node,), ("unit",))


def taps(window: Window, oh: int, ow: int) -> Iterator[tuple[int, int, int, int]]:
    """(kh, kw) and the input's (h, w) of every tap of one output pixel."""
    for kh, kw in np.ndindex(window.kernel):
        h = oh * window.stride[0] + kh * window.dilation[0] - window.padding[0]
        w = ow * window.stride[1] + kw * window.dilation[1] - window.padding[1]
        yield kh, kw, h, w


def _inside(x: IntArray, h: int, w: int) -> bool:
    return 0 <= h < x.shape[1] and 0 <= w < x.shape[2]


def naive_mac(x: IntArray, unit: Mac, shape: Shape) -> IntArray:
    """Every sum as loops over Python integers; taps outside read the padding value."""
    out = np.zeros((len(x), *shape), dtype=np.int64)
    weights = unit.weights.data
    outputs, inputs = len(weights) // unit.groups, weights.shape[3]
    for n, oh, ow, o in np.ndindex(out.shape):
        total = int(unit.bias.data[o])
        for kh, kw, h, w in taps(unit.window, oh, ow):
            for c in range(inputs):
                channel = o // outputs * inputs + c
                value = int(x[n, h, w, channel]) if _inside(x, h, w) else unit.pad_value
                total += int(weights[o, kh, kw, c]) * value
        out[n, oh, ow, o] = total
    return out


def naive_reduce(x: IntArray, unit: WindowReduce, shape: Shape) -> IntArray:
    """Every window as a list of Python integers."""
    out = np.zeros((len(x), *shape), dtype=np.int64)
    for n, oh, ow, c in np.ndindex(out.shape):
        values = [
            int(x[n, h, w, c]) if _inside(x, h, w) else unit.pad_value
            for _, _, h, w in taps(unit.window, oh, ow)
        ]
        known = [value for value in values if value is not None]
        out[n, oh, ow, c] = max(known) if unit.kind == "max" else sum(known)
    return out
