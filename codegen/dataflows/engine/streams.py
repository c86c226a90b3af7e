"""What stands before and behind an engine: row windows, beats of words, channels of sums."""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from typing import TYPE_CHECKING

from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic
from shiftloom.codegen.dataflows.engine.operations import Operations
from shiftloom.codegen.dataflows.streaming.crop import CropUnit
from shiftloom.codegen.dataflows.streaming.extend import Extend
from shiftloom.codegen.dataflows.streaming.window import WindowUnit
from shiftloom.codegen.design import Stream
from shiftloom.codegen.qgraph import QNode

if TYPE_CHECKING:
    from shiftloom.codegen.dataflows.streaming.compose import Composer


def elements(operations: Operations) -> int:
    """Elements of an input beat: a pixel, or a part of it that divides a word and a pixel."""
    channels, rows = operations.source.tensor.shape[2], operations.lanes.rows
    return channels if channels <= rows else gcd(channels, rows)


def source(
    c: Composer, node: QNode, operations: Operations, widths: Arithmetic, x: Stream
) -> Stream:
    """The stream that the engine reads: its input map in beats of whole lanes."""
    if operations.front is not None:
        x = _row_windows(c, node, operations, c.convert(x, node.name, x.shape[2]))
    x = c.convert(replace(x, shape=operations.source.tensor.shape), node.name, elements(operations))
    if x.bits == widths.lane:
        return x
    wide = replace(x, name=f"{node.name}_lanes", bits=widths.lane)
    return c.append(Extend(f"{node.name}_extend", node.name, x, wide))


def _row_windows(c: Composer, node: QNode, operations: Operations, x: Stream) -> Stream:
    """The taps of a row of the first kernel as one pixel, and one beat."""
    window, shape = operations.front, operations.source.tensor.shape
    assert window is not None
    height, width, channels = shape
    sink = replace(x, name=f"{node.name}_rows", tensor="", shape=shape, elements=channels)
    pad = operations.ops[0].pad
    name, output = f"{node.name}_window", (height, width)
    return c.append(WindowUnit(name, node.name, x, sink, window, x.shape, output, 1, pad))


def sums(node: QNode, operations: Operations, widths: Arithmetic) -> Stream:
    """The stream that the engine makes: all outputs of a tile a beat."""
    op, columns = operations.ops[-1], operations.lanes.columns
    assert op.weights is not None
    shape = (*op.output, len(op.weights.data))
    tensor = node.name if len(op.weights.data) == operations.channels else ""
    return Stream(f"{node.name}_tiles", tensor, shape, columns, widths.acc_bits, True)


def sink(c: Composer, node: QNode, operations: Operations, x: Stream) -> Stream:
    """The sums without those of channels that do not exist."""
    channels, columns = operations.channels, operations.lanes.columns
    if channels % columns == 0:
        return x
    lanes = gcd(channels, columns)
    x = c.convert(x, node.name, lanes)
    made = c.stream(f"{node.name}_sums", node.name, lanes)
    size, kept = (x.pixels, x.folds), (x.pixels, made.folds)
    return c.append(CropUnit(f"{node.name}_crop", node.name, x, made, size, (0, 0), kept))
