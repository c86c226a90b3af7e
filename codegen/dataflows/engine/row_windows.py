"""Rows of a first layer's kernel side by side: a streaming window before the engine makes them.

A colour image fills 3 lanes of a word; a row of a 7×7 kernel fills 21 of them.
"""

from __future__ import annotations

from dataclasses import replace

from shiftloom.codegen.dataflows.engine.dense import dense, is_flat
from shiftloom.codegen.qgraph import Mac, QGraph, QNode
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window


def with_row_windows(part: QGraph, rows: int) -> tuple[Window | None, QGraph]:
    """The window of a kernel row, and the part that reads such rows; None and the same without."""
    source = part.inputs[0]
    readers = part.readers(source.name)
    if len(readers) != 1 or not isinstance(readers[0].unit, Mac):
        return None, part
    node, mac, shape = readers[0], readers[0].unit, source.tensor.shape
    (kh, kw), channels = mac.window.kernel, shape[2]
    if kw == 1 or kw * channels > rows or mac.window.dilation[1] > 1 or is_flat(mac, shape):
        return None, part
    across, down = _split(mac.window)
    height, width = shape[0], node.out.shape[1]
    tensor = replace(source.tensor, shape=(height, width, kw * channels))
    weights = Array(dense(mac).reshape(-1, kh, 1, kw * channels))
    changed = replace(mac, weights=weights, window=down, groups=1)
    nodes = tuple(_replaced(each, node, changed) for each in part.nodes)
    return across, replace(part, inputs=(replace(source, tensor=tensor),), nodes=nodes)


def _replaced(each: QNode, node: QNode, mac: Mac) -> QNode:
    return replace(node, unit=mac) if each.name == node.name else each


def _split(window: Window) -> tuple[Window, Window]:
    """A window as one along the rows and one down the columns of its results."""
    (kh, kw), (sh, sw), (top, left) = window.kernel, window.stride, window.padding
    bottom, right = window.end
    across = Window((1, kw), (1, sw), (0, left), (0, right))
    return across, Window((kh, 1), (sh, 1), (top, 0), (bottom, 0), (window.dilation[0], 1))
