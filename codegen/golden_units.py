"""What each unit of the closed set computes, on batches of integers [N, H, W, C]."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.qgraph import (
    ArgMax,
    Concat,
    Crop,
    Gather,
    Insert,
    Mac,
    Part,
    QNode,
    QTensor,
    Requantize,
    ScaledAdd,
    Table,
    Upsample,
    WindowReduce,
)
from shiftloom.codegen.values import IntArray
from shiftloom.codegen.windows import im2col

Operands = tuple[IntArray, ...]


def evaluate(node: QNode, source: QTensor, x: Operands) -> IntArray:
    """The integers that `node` makes of its operands; `source` is the tensor of the first."""
    made: IntArray = _UNITS[type(node.unit)](node.unit, node, source, x)
    return made


def _mac(unit: Mac, node: QNode, source: QTensor, x: Operands) -> IntArray:
    frames = x[0]
    if unit.window.kernel == (1, 1) and unit.groups == 1 and unit.lanes != frames.shape[-1]:
        frames = frames.reshape(len(frames), 1, 1, unit.lanes)  # a flattened feature map
    exact = _exact_type(unit, source)
    if unit.lanes == unit.weights.data[0].size and unit.weights.data.shape[3] == 1 < unit.groups:
        sums = _depthwise(unit, frames.astype(exact), node.out.shape)
    else:
        sums = _grouped(unit, frames.astype(exact))
    result: IntArray = np.asarray(sums, dtype=np.int64) + unit.bias.data
    return result


def _exact_type(unit: Mac, source: QTensor) -> type[np.generic]:
    """The fastest type that holds every partial sum."""
    flat = np.abs(unit.weights.data.reshape(len(unit.weights.data), -1))
    largest = max(abs(source.type.lo), source.type.hi, abs(unit.pad_value))
    worst = int(flat.sum(axis=1).max()) * largest
    return np.float32 if worst < 1 << 24 else np.float64 if worst < 1 << 53 else np.int64


def _grouped(unit: Mac, frames: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One matrix product a group, over all windows at once."""
    kernels = unit.weights.data.astype(frames.dtype)
    outputs, inputs = len(kernels) // unit.groups, kernels.shape[3]
    parts = []
    for group in range(unit.groups):
        x = frames[..., group * inputs : (group + 1) * inputs] if unit.groups > 1 else frames
        kernel = kernels[group * outputs : (group + 1) * outputs].reshape(outputs, -1)
        parts.append(_columns(unit, x) @ kernel.T)
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)


def _columns(unit: Mac, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The windows of x as rows [N, OH, OW, lanes]."""
    window = unit.window
    if window.kernel == (1, 1) and not any((*window.padding, *window.end)):
        return x[:, :: window.stride[0], :: window.stride[1]]
    columns = im2col(x, window, unit.pad_value)
    return columns.reshape(*columns.shape[:3], unit.lanes)


def _depthwise(
    unit: Mac, frames: npt.NDArray[Any], shape: tuple[int, int, int]
) -> npt.NDArray[Any]:
    """One input channel a group: products added tap by tap, all channels at once."""
    window, kernels = unit.window, unit.weights.data[..., 0].astype(frames.dtype)
    (top, left), (bottom, right) = window.padding, window.end
    edges = ((0, 0), (top, bottom), (left, right), (0, 0))
    padded = np.pad(frames, edges, constant_values=unit.pad_value)
    repeated = np.repeat(padded, len(kernels) // unit.groups, axis=3)
    sums = np.zeros((len(frames), *shape), dtype=frames.dtype)
    height, width = shape[:2]
    for i in range(window.kernel[0]):
        for j in range(window.kernel[1]):
            y, x = i * window.dilation[0], j * window.dilation[1]
            rows = slice(y, y + (height - 1) * window.stride[0] + 1, window.stride[0])
            columns = slice(x, x + (width - 1) * window.stride[1] + 1, window.stride[1])
            sums += repeated[:, rows, columns] * kernels[:, i, j]
    return sums


def _reduce(unit: WindowReduce, node: QNode, source: QTensor, x: Operands) -> IntArray:
    low = source.type.lo if unit.kind == "max" else 0
    fill = low if unit.pad_value is None else unit.pad_value
    windows = im2col(x[0], unit.window, fill)
    reduced = windows.max(axis=(3, 4)) if unit.kind == "max" else windows.sum(axis=(3, 4))
    return np.asarray(reduced, dtype=np.int64)


def _requantize(unit: Requantize, node: QNode, source: QTensor, x: Operands) -> IntArray:
    return unit.requantization.apply(x[0])


def _add(unit: ScaledAdd, node: QNode, source: QTensor, x: Operands) -> IntArray:
    return unit.apply(x[0], x[1])


def _table(unit: Table, node: QNode, source: QTensor, x: Operands) -> IntArray:
    place, values = x[0] & ((1 << source.type.bits) - 1), unit.values.data
    if values.ndim == 1:
        return np.asarray(values[place], dtype=np.int64)
    return np.asarray(values[np.arange(len(values)), place], dtype=np.int64)


def _concat(unit: Concat, node: QNode, source: QTensor, x: Operands) -> IntArray:
    return np.concatenate(x, axis=3)


def _gather(unit: Gather, node: QNode, source: QTensor, x: Operands) -> IntArray:
    return x[0][..., list(unit.order)]


def _insert(unit: Insert, node: QNode, source: QTensor, x: Operands) -> IntArray:
    top, left, _, _ = unit.pad
    made = np.full((len(x[0]), *node.out.shape), unit.value, dtype=np.int64)
    rows, columns = unit.gaps[0] + 1, unit.gaps[1] + 1
    height, width = source.shape[:2]
    made[
        :,
        top : top + (height - 1) * rows + 1 : rows,
        left : left + (width - 1) * columns + 1 : columns,
    ] = x[0]
    return made


def _upsample(unit: Upsample, node: QNode, source: QTensor, x: Operands) -> IntArray:
    return x[0].repeat(unit.factors[0], axis=1).repeat(unit.factors[1], axis=2)


def _crop(unit: Crop, node: QNode, source: QTensor, x: Operands) -> IntArray:
    height, width = node.out.shape[:2]
    return x[0][:, unit.top : unit.top + height, unit.left : unit.left + width]


def _argmax(unit: ArgMax, node: QNode, source: QTensor, x: Operands) -> IntArray:
    return np.asarray(x[0].argmax(axis=3)[..., None], dtype=np.int64)


def _part(unit: Part, node: QNode, source: QTensor, x: Operands) -> IntArray:
    values = {unit.graph.inputs[0].name: x[0]}
    for each in unit.graph.nodes:
        operands = tuple(values[name] for name in each.sources)
        values[each.name] = evaluate(each, unit.graph.tensor(each.sources[0]), operands)
    return values[node.name]


_UNITS: dict[type, Any] = {
    Mac: _mac,
    WindowReduce: _reduce,
    Requantize: _requantize,
    ScaledAdd: _add,
    Table: _table,
    Concat: _concat,
    Gather: _gather,
    Insert: _insert,
    Upsample: _upsample,
    Crop: _crop,
    ArgMax: _argmax,
    Part: _part,
}
