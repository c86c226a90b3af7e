"""What stands before and behind an engine: row windows, beats of words, channels of sums."""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from typing import TYPE_CHECKING

from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic
from shiftloom.codegen.dataflows.engine.operations import Operations
from shiftloom.codegen.dataflows.streaming.crop import CropUnit
from shiftloom.codegen.dataflows.streaming.extend import Extend
from shiftloom.codegen.dataflows.streaming.gather import GatherUnit
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


def sums(node: QNode, operations: Operations, widths: Arithmetic, tile: int) -> Stream:
    """The stream that the engine makes: all outputs of a tile a beat, `tile` pixels for each."""
    op, columns = operations.ops[-1], operations.lanes.columns
    assert op.weights is not None
    channels = len(op.weights.data)
    in_order = tile == 1 or channels == columns
    tensor = node.name if channels == operations.channels and in_order else ""
    shape = (*op.output, channels)
    return Stream(f"{node.name}_tiles", tensor, shape, columns, widths.acc_bits, True)


def sink(c: Composer, node: QNode, operations: Operations, x: Stream, tile: int) -> Stream:
    """The sums pixel by pixel, without those of channels that do not exist."""
    channels, columns = operations.channels, operations.lanes.columns
    x = _pixel_by_pixel(c, node, x, tile)
    if channels % columns == 0:
        return x
    lanes = gcd(channels, columns)
    x = c.convert(x, node.name, lanes)
    made = c.stream(f"{node.name}_sums", node.name, lanes)
    size, kept = (x.pixels, x.folds), (x.pixels, made.folds)
    return c.append(CropUnit(f"{node.name}_crop", node.name, x, made, size, (0, 0), kept))


def _pixel_by_pixel(c: Composer, node: QNode, x: Stream, tile: int) -> Stream:
    """All outputs of a pixel one behind the other, where they come tile by tile."""
    if tile == 1 or x.folds == 1:
        return x
    order = tuple(co * tile + pixel for pixel in range(tile) for co in range(x.folds))
    whole = (x.pixels // tile, 1, x.shape[2] * tile)
    tensor = node.name if x.shape[2] == c.qgraph.tensor(node.name).shape[2] else ""
    made = replace(x, name=f"{node.name}_pixels", tensor=tensor, shape=whole)
    name, given = f"{node.name}_order", replace(x, shape=whole)
    made = c.append(GatherUnit(name, node.name, given, made, order, c.qgraph.name))
    return replace(made, shape=x.shape)
