"""The exact value of a network with imported quantizers: rational arithmetic, no lowering.

ONNX defines Q/DQ networks by real arithmetic between the quantizers, which runtimes approximate in
float32. Here every value is integers times exact scales, so each rounding is decided exactly. The
integer graph of such a network must equal this, element by element; it shares no code with it but
the windows' geometry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.given import GivenWeights
from shiftloom.codegen.graph import Frames, Graph
from shiftloom.codegen.ops import (
    Add,
    Affine,
    AvgPool2d,
    Bipolar,
    Clip,
    Concat,
    Conv2d,
    Crop,
    Flatten,
    Linear,
    MaxPool2d,
    Pad,
    Permute,
    Quantize,
    Relu,
    Softmax,
    Upsample,
)
from shiftloom.codegen.rationals import Rationals, floats, per_channel, rationals
from shiftloom.codegen.values import IntArray
from shiftloom.codegen.windows import Window, im2col

_NEAR = 2.0**-40
_SAFE = 2.0**53


@dataclass(frozen=True, slots=True, eq=False)
class Exact:
    """Σ integers · scale over the terms, plus offset, within [lo, hi]; the last axis is C.

    Scales and offsets are Fractions of shape (C,).
    """

    terms: tuple[tuple[IntArray, Rationals], ...]
    offset: Rationals
    lo: Fraction | None = None
    hi: Fraction | None = None

    @property
    def approximate(self) -> npt.NDArray[np.float64]:
        """The value in float64, a few units in the last place off, without the bounds."""
        parts = [n * floats(scale) for n, scale in self.terms]
        return np.asarray(sum(parts) + floats(self.offset), dtype=np.float64)

    def at(self, index: tuple[int, ...]) -> Fraction:
        """The exact value of one element [n, h, w, c]."""
        c = index[-1]
        total: Fraction = sum((s[c] * int(n[index]) for n, s in self.terms), self.offset[c])
        total = total if self.lo is None else max(total, self.lo)
        return total if self.hi is None else min(total, self.hi)


def run(graph: Graph, x: Frames) -> dict[str, Exact]:
    """Every value of `graph` by name, exactly, for raw integers x.

    Raises ShiftloomError naming a node that is no rational function of its input.
    """
    values: dict[str, Exact] = {}
    for source, frames in zip(graph.inputs, graph.frames(x), strict=True):
        scale = np.repeat(rationals(source.scale)[None], source.shape[2])
        values[source.name] = Exact(((frames.astype(np.int64), scale),), -scale * source.zero)
    for node in graph.nodes:
        evaluate = _OPS.get(type(node.op))
        if evaluate is None:
            raise ShiftloomError(
                node.name, f"{type(node.op).__name__} has no exact value", "quantize before it"
            )
        values[node.name] = evaluate(node.name, node.op, *(values[s] for s in node.sources))
    return values


def integers(op: Quantize, x: Exact) -> IntArray:
    """Every element's q = clip(round_half_even(x / scale) + zero)."""
    real = _bounded(x) / op.scale
    result: IntArray = np.rint(np.clip(real, -(2.0**40), 2.0**40)).astype(np.int64)
    near = np.abs(real - np.floor(real) - 0.5) <= _NEAR * (1 + _size(x) / op.scale)
    for index in zip(*np.nonzero(near), strict=True):
        result[index] = round(x.at(index) / Fraction(op.scale))
    clipped: IntArray = np.clip(result + op.zero, op.lo, op.hi)
    return clipped


def _bounded(x: Exact) -> npt.NDArray[np.float64]:
    lo = -np.inf if x.lo is None else float(x.lo)
    return np.clip(x.approximate, lo, np.inf if x.hi is None else float(x.hi))


def _size(x: Exact) -> npt.NDArray[np.float64]:
    """The sum of the magnitudes of the terms, which bounds the error of `approximate`."""
    parts = [np.abs(n) * floats(scale) for n, scale in x.terms]
    return np.asarray(sum(parts) + np.abs(floats(x.offset)), dtype=np.float64)


def _quantize(node: str, op: Quantize, x: Exact) -> Exact:
    scale = np.repeat(rationals(op.scale)[None], len(x.offset))
    return Exact(((integers(op, x), scale),), -scale * op.zero)


def _bipolar(node: str, op: Bipolar, x: Exact) -> Exact:
    real = x.approximate
    signs = np.where(real < 0, -1, 1)
    for index in zip(*np.nonzero(np.abs(real) <= _NEAR * _size(x)), strict=True):
        signs[index] = 1 if x.at(index) >= 0 else -1
    scale = np.repeat(rationals(op.scale)[None], len(x.offset))
    return Exact(((signs, scale),), scale * 0)


def _whole(node: str, x: Exact) -> tuple[IntArray, Fraction]:
    """Integers and the one scale whose product is x."""
    if len(x.terms) != 1 or x.lo is not None or x.hi is not None:
        raise ShiftloomError(node, "reads a value without integers", "quantize before it")
    n, scale = x.terms[0]
    if len({*zip(scale, x.offset, strict=True)}) != 1:
        raise ShiftloomError(node, "reads channels of several scales", "quantize before it")
    zero: Fraction = x.offset[0] / scale[0]
    return n * zero.denominator + zero.numerator, scale[0] / zero.denominator


def _layer(
    node: str, x: Exact, given: GivenWeights | None, kernel: IntArray, bias: Any, columns: Any
) -> Exact:
    if given is None:
        raise ShiftloomError(node, "its weights are real numbers", "quantize them")
    n, scale = _whole(node, x)
    sums = _product(columns(n), kernel.reshape(len(kernel), -1))
    steps = per_channel(rationals(given.scale.data.astype(np.float64)) * scale, len(kernel))
    return Exact(((sums, steps),), rationals(bias.astype(np.float64)))


def _product(x: IntArray, kernel: IntArray) -> IntArray:
    """The product x @ kernel.T, in float64 where that is exact."""
    worst = int(np.abs(kernel).sum(axis=1).max()) * int(np.abs(x).max(initial=0))
    kind = np.float64 if worst < _SAFE else np.int64
    return np.asarray(x.astype(kind) @ kernel.T.astype(kind)).astype(np.int64)


def _conv(node: str, op: Conv2d, x: Exact) -> Exact:
    assert op.given is None or op.given.values.data.ndim == 4
    kernel = op.weights.data if op.given is None else op.given.values.data
    inputs, outputs = kernel.shape[3], len(kernel) // op.groups
    parts = []
    for group in range(op.groups):
        channels = slice(group * inputs, (group + 1) * inputs)
        rows = slice(group * outputs, (group + 1) * outputs)
        part = Exact(tuple((n[..., channels], s[channels]) for n, s in x.terms), x.offset[channels])
        given = op.given and replace(op.given, scale=_rows(op.given, rows))
        columns = _windows(op.window)
        parts.append(_layer(node, part, given, kernel[rows], op.bias.data[rows], columns))
    return _stacked(parts)


def _rows(given: GivenWeights, rows: slice) -> Any:
    return given.scale if given.scale.data.size == 1 else type(given.scale)(given.scale.data[rows])


def _windows(window: Window) -> Callable[[IntArray], IntArray]:
    def columns(x: IntArray) -> IntArray:
        made = im2col(x, window, 0)
        return made.reshape(*made.shape[:3], -1)

    return columns


def _linear(node: str, op: Linear, x: Exact) -> Exact:
    kernel = op.weights.data if op.given is None else op.given.values.data
    return _layer(node, x, op.given, kernel, op.bias.data, lambda n: n)


def _stacked(parts: list[Exact]) -> Exact:
    n = np.concatenate([part.terms[0][0] for part in parts], axis=-1)
    scale = np.concatenate([part.terms[0][1] for part in parts])
    return Exact(((n, scale),), np.concatenate([part.offset for part in parts]))


def _add(node: str, op: Add, a: Exact, b: Exact) -> Exact:
    if any(bound is not None for x in (a, b) for bound in (x.lo, x.hi)):
        raise ShiftloomError(node, "adds values without integers", "quantize before it")
    signed = [(n, s * sign) for sign, x in zip(op.signs, (a, b), strict=True) for n, s in x.terms]
    return Exact(tuple(signed), a.offset * op.signs[0] + b.offset * op.signs[1])


def _affine(node: str, op: Affine, x: Exact) -> Exact:
    factor = per_channel(rationals(op.scale.data.astype(np.float64)), len(x.offset))
    shift = rationals(op.shift.data.astype(np.float64))
    if x.lo is not None or x.hi is not None:
        raise ShiftloomError(node, "scales a value without integers", "quantize before it")
    return Exact(tuple((n, s * factor) for n, s in x.terms), x.offset * factor + shift)


def _clip(node: str, x: Exact, lo: float, hi: float) -> Exact:
    low = x.lo if np.isinf(lo) else max(Fraction(lo), x.lo if x.lo is not None else Fraction(lo))
    high = x.hi if np.isinf(hi) else min(Fraction(hi), x.hi if x.hi is not None else Fraction(hi))
    return replace(x, lo=low, hi=high)


def _average(node: str, op: AvgPool2d, x: Exact) -> Exact:
    if op.uneven:
        raise ShiftloomError(node, "its windows have different divisors", "count the padding")
    n, scale = _whole(node, x)
    sums = im2col(n, op.window, 0).sum(axis=(3, 4))
    steps = np.repeat(rationals(scale / int(np.prod(op.window.kernel)))[None], sums.shape[-1])
    return Exact(((sums, steps),), steps * 0)


def _maximum(node: str, op: MaxPool2d, x: Exact) -> Exact:
    if len(x.terms) != 1:
        raise ShiftloomError(node, "reads a value without integers", "quantize before it")
    n, scale = x.terms[0]
    rising = np.array([s > 0 for s in scale])
    signed = np.where(rising, n, -n)
    most = im2col(signed, op.window, np.iinfo(np.int64).min // 2).max(axis=(3, 4))
    return replace(x, terms=((np.where(rising, most, -most), scale),))


def _concat(node: str, op: Concat, *parts: Exact) -> Exact:
    if any(len(x.terms) != 1 or x.lo is not None or x.hi is not None for x in parts):
        raise ShiftloomError(node, "reads a value without integers", "quantize before it")
    return _stacked(list(parts))


def _moved(
    move: Callable[[Any, npt.NDArray[Any]], npt.NDArray[Any]],
) -> Callable[..., Exact]:
    """An op that moves pixels, on the integers of every term."""

    def evaluate(node: str, op: Any, x: Exact) -> Exact:
        return replace(x, terms=tuple((move(op, n), s) for n, s in x.terms))

    return evaluate


def _flatten(node: str, op: Flatten, x: Exact) -> Exact:
    count, height, width, _ = x.terms[0][0].shape
    terms = tuple((n.reshape(count, 1, 1, -1), np.tile(s, height * width)) for n, s in x.terms)
    return replace(x, terms=terms, offset=np.tile(x.offset, height * width))


def _permute(node: str, op: Permute, x: Exact) -> Exact:
    order = list(op.order)
    terms = tuple((n[..., order], s[order]) for n, s in x.terms)
    return replace(x, terms=terms, offset=x.offset[order])


def _pad(node: str, op: Pad, x: Exact) -> Exact:
    n, scale = _whole(node, x)
    value = Fraction(op.value) / scale
    n, scale, value = n * value.denominator, scale / value.denominator, value * value.denominator
    top, left, bottom, right = op.pad
    edges = ((0, 0), (top, bottom), (left, right), (0, 0))
    padded = np.pad(n, edges, constant_values=int(value))
    steps = np.repeat(rationals(scale)[None], n.shape[-1])
    return Exact(((padded, steps),), steps * 0)


def _upsampled(op: Upsample, n: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return n.repeat(op.factors[0], axis=1).repeat(op.factors[1], axis=2)


def _cropped(op: Crop, n: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return n[:, op.top : op.top + op.height, op.left : op.left + op.width]


_OPS: Mapping[type, Callable[..., Exact]] = {
    Add: _add,
    Affine: _affine,
    AvgPool2d: _average,
    Bipolar: _bipolar,
    Clip: lambda node, op, x: _clip(node, x, op.lo, op.hi),
    Concat: _concat,
    Conv2d: _conv,
    Crop: _moved(_cropped),
    Flatten: _flatten,
    Linear: _linear,
    MaxPool2d: _maximum,
    Pad: _pad,
    Permute: _permute,
    Quantize: _quantize,
    Relu: lambda node, op, x: _clip(node, x, 0.0, np.inf),
    Softmax: lambda node, op, x: x,
    Upsample: _moved(_upsampled),
}
