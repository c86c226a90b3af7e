"""The golden model: a QGraph in integers, NumPy only. RTL and HLS must agree on every bit.

Products are summed by BLAS in floating point only where the worst case of the sum is exactly
representable (below 2^24 in float32, 2^53 in float64), and in int64 otherwise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.qgraph import Mac, QGraph, QNode, QTensor, Requantize, WindowReduce
from shiftloom.codegen.values import IntArray
from shiftloom.codegen.windows import im2col

BLOCK = 256
"""Frames evaluated at a time."""


def run(
    qgraph: QGraph,
    x: npt.NDArray[np.integer],
    progress: Callable[[int], None] | None = None,
) -> IntArray:
    """Integer logits [N, C] for raw inputs [N, H, W, C]; `progress` gets each block's size."""
    _check_input(qgraph, x)
    blocks = []
    for start in range(0, len(x), BLOCK):
        values = _evaluate(qgraph, x[start : start + BLOCK])
        blocks.append(values[qgraph.nodes[-1].name].reshape(-1, int(np.prod(qgraph.output.shape))))
        if progress:
            progress(len(blocks[-1]))
    return np.concatenate(blocks) if blocks else np.empty((0, 0), dtype=np.int64)


def trace(qgraph: QGraph, x: npt.NDArray[np.integer]) -> dict[str, IntArray]:
    """Integers of every node by name, [N, H, W, C] each, the input's under "input"."""
    _check_input(qgraph, x)
    return _evaluate(qgraph, x)


def _check_input(qgraph: QGraph, x: npt.NDArray[np.integer]) -> None:
    expected = qgraph.input.shape
    if x.ndim != 4 or x.shape[1:] != expected:
        raise ShiftloomError("input", f"array of shape {x.shape}", f"give [N, {expected}] integers")
    if not np.issubdtype(x.dtype, np.integer):
        raise ShiftloomError("input", f"array of {x.dtype}", "give the sensor's integers")
    kind = qgraph.input.type
    if x.size and (int(x.min()) < kind.lo or int(x.max()) > kind.hi):
        raise ShiftloomError(
            "input", f"values {x.min()} to {x.max()}", f"{kind} holds {kind.lo} to {kind.hi}"
        )


def _evaluate(qgraph: QGraph, x: npt.NDArray[np.integer]) -> dict[str, IntArray]:
    values: dict[str, IntArray] = {"input": x.astype(np.int64)}
    for node in qgraph.nodes:
        values[node.name] = _node(node, qgraph.tensor(node.source), values[node.source])
    return values


def _node(node: QNode, source: QTensor, x: IntArray) -> IntArray:
    unit = node.unit
    if isinstance(unit, Mac):
        return _mac(unit, source, x)
    if isinstance(unit, WindowReduce):
        return _reduce(unit, source, x)
    assert isinstance(unit, Requantize)
    return unit.requantization.apply(x)


def _mac(unit: Mac, source: QTensor, x: IntArray) -> IntArray:
    kernel = unit.weights.data.reshape(unit.weights.data.shape[0], -1)
    worst = np.abs(kernel).sum(axis=1).max() * max(abs(source.type.lo), source.type.hi)
    exact = np.float32 if worst < 1 << 24 else np.float64 if worst < 1 << 53 else np.int64
    if unit.window.kernel == (1, 1):
        if unit.lanes != x.shape[-1]:  # a flattened feature map
            x = x.reshape(x.shape[0], 1, 1, -1)
        flat = x[:, :: unit.window.stride[0], :: unit.window.stride[1]].astype(exact)
    else:
        cols = im2col(x.astype(exact), unit.window, unit.pad_value)
        flat = cols.reshape(*cols.shape[:3], -1)
    sums = flat @ kernel.T.astype(exact)
    result: IntArray = np.asarray(sums, dtype=np.int64) + unit.bias.data
    return result


def _reduce(unit: WindowReduce, source: QTensor, x: IntArray) -> IntArray:
    if unit.kind == "max":
        low = np.iinfo(np.int64).min
        return np.asarray(im2col(x, unit.window, low).max(axis=(3, 4)), dtype=np.int64)
    return np.asarray(im2col(x, unit.window, 0).sum(axis=(3, 4)), dtype=np.int64)
