"""How each integer unit is made of streaming units; a new one is a function and a line in a table.

A function appends the units that read the given streams, and returns the node's values as a stream.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import gcd, prod
from typing import TYPE_CHECKING, Any, cast

from shiftloom.codegen import qgraph as q
from shiftloom.codegen.dataflows.engine import build as engine
from shiftloom.codegen.dataflows.pipeline import transposed
from shiftloom.codegen.dataflows.pipeline.taps import Taps
from shiftloom.codegen.dataflows.streaming.add import AddUnit
from shiftloom.codegen.dataflows.streaming.argmax import ArgMaxUnit
from shiftloom.codegen.dataflows.streaming.concat import ConcatUnit
from shiftloom.codegen.dataflows.streaming.crop import CropUnit
from shiftloom.codegen.dataflows.streaming.digits import Digits
from shiftloom.codegen.dataflows.streaming.gather import GatherUnit
from shiftloom.codegen.dataflows.streaming.insert import InsertUnit
from shiftloom.codegen.dataflows.streaming.pool import Pool, WindowReduceUnit
from shiftloom.codegen.dataflows.streaming.reduce import Reduce
from shiftloom.codegen.dataflows.streaming.requantize import MultiplyShift, Thresholds
from shiftloom.codegen.dataflows.streaming.requantize_csd import RequantCsd
from shiftloom.codegen.dataflows.streaming.table import TableUnit
from shiftloom.codegen.dataflows.streaming.upsample import upsample_units
from shiftloom.codegen.dataflows.streaming.vector_buffer import VectorBuffer
from shiftloom.codegen.dataflows.streaming.window import WindowUnit
from shiftloom.codegen.dataflows.streaming.window_serial import WindowSerial
from shiftloom.codegen.design import Stream
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.pe import FOLDED, PES, SCALED, ConstantMatrix, families
from shiftloom.codegen.plan import MacPlan
from shiftloom.codegen.qgraph import QNode
from shiftloom.codegen.values import IntType, Shape
from shiftloom.codegen.windows import Window

if TYPE_CHECKING:
    from shiftloom.codegen.dataflows.streaming.compose import Composer

MAX_TREE_BITS = 1024
"""Widest window that a tree of comparators or adders reduces in one beat."""


def add(composer: Composer, node: QNode, *sources: Stream) -> Stream:
    """Append the units of a node."""
    return _COMPOSERS[type(node.unit)](composer, node, node.unit, *sources)


def _mac(c: Composer, node: QNode, mac: q.Mac, x: Stream) -> Stream:
    plan = c.choices.mac(node.name)
    if plan.window == "transposed":
        return _transposed(c, node, mac, plan, x)
    _check(node, mac, plan, plan.pe, x)
    x = _operands(c, node, mac, plan, x)
    return _matrix(c, node, mac, plan, x, c.stream(f"{node.name}_sums", node.name, plan.pe))


def _transposed(c: Composer, node: QNode, mac: q.Mac, plan: MacPlan, x: Stream) -> Stream:
    """The sums of all taps of every pixel, and the chain that adds up those of an output."""
    if not transposed.divides(mac, plan.pe):
        raise _impossible(node, plan)
    products = transposed.products(mac, plan.pe)
    outputs, beat = len(products.bias.data), transposed.taps(mac) * plan.pe
    kind = transposed.sum_type(mac, IntType(x.bits, x.signed))
    _check(node, products, plan, beat, x)
    (height, width, channels), passes = x.shape, outputs // mac.groups // beat
    x = _digits(c, node, plan, c.convert(x, node.name, plan.simd))
    if passes > 1:
        x = _vectors(c, node, products.lanes, (height, width, channels * passes), x)
    sums = Stream(f"{node.name}_taps", "", (height, width, outputs), beat, kind.bits, True)
    x = _matrix(c, node, products, plan, x, sums)
    sink = c.stream(f"{node.name}_sums", node.name, plan.pe)
    return c.append(Taps(f"{node.name}_chain", node.name, x, sink, mac, c.qgraph.name))


def _check(node: QNode, mac: q.Mac, plan: MacPlan, pe: int, x: Stream) -> None:
    """Refuse a plan whose PE cannot build a matrix product with `pe` outputs a beat."""
    layer = cast(q.Mac, node.unit)
    if not families.serves(plan.kind, layer):
        problem = f"PE {plan.kind} is of the wrong family"
        raise ShiftloomError(node.name, problem, f"use one of {families.wanted(layer)}")
    kind = next((pe for pe in PES if pe.kind == plan.kind), None)
    if kind is None or not kind.supports(mac, pe, plan.simd, IntType(x.bits, x.signed)):
        raise _impossible(node, plan)


def _impossible(node: QNode, plan: MacPlan) -> ShiftloomError:
    problem = f"PE {plan.kind} cannot run PE={plan.pe}, SIMD={plan.simd}"
    return ShiftloomError(node.name, problem, "see the folding rules in docs/architecture.md")


def _matrix(c: Composer, node: QNode, mac: q.Mac, plan: MacPlan, x: Stream, sink: Stream) -> Stream:
    """The matrix unit of the planned kind."""
    name, design = f"{node.name}_matrix", c.qgraph.name
    if plan.kind == ConstantMatrix.kind:
        return c.append(ConstantMatrix(name, node.name, x, sink, mac, design))
    scaled = next((pe for pe in SCALED if pe.kind == plan.kind), None)
    if scaled is not None:
        gates = plan.memory, plan.gate, plan.clock_gate
        return c.append(scaled(name, node.name, x, sink, mac, design, *gates))
    folded = next(pe for pe in FOLDED if pe.kind == plan.kind)
    return c.append(folded(name, node.name, x, sink, mac, design, plan.memory))


def _operands(c: Composer, node: QNode, mac: q.Mac, plan: MacPlan, x: Stream) -> Stream:
    """What the matrix unit reads: for every output pixel its terms, once a pass."""
    outputs = int(mac.weights.data.shape[0])
    if is_dot(mac):
        x = _digits(c, node, plan, c.convert(x, node.name, plan.simd))
        passes, size = outputs // plan.pe, node.out.shape[:2]
        return x if passes == 1 else _vectors(c, node, mac.lanes, (*size, mac.lanes * passes), x)
    if plan.window == "parallel":
        x = _digits(c, node, plan, c.convert(x, node.name, x.shape[2]))
        passes = outputs // plan.pe
        return _windows(c, node, mac.window, (plan.simd, passes, mac.pad_value), x)
    lanes = plan.pe if plan.kind.startswith("dw_") else 1
    beat, groups = lanes * plan.simd, mac.groups // lanes
    passes = outputs // plan.pe // groups
    x = _serial(c, node, mac.window, (beat, passes, groups, mac.pad_value), x, bool(mac.scalable))
    return _digits(c, node, plan, x)


def is_dot(mac: q.Mac) -> bool:
    """Whether a matrix product reads every pixel, or the whole map, as one vector."""
    window = mac.window
    is_plain = window.kernel == window.stride == (1, 1) and not any((*window.padding, *window.end))
    return mac.groups == 1 and is_plain


def _digits(c: Composer, node: QNode, plan: MacPlan, x: Stream) -> Stream:
    """The elements in digits, or as they are where all bits come at once."""
    if plan.digit == 0:
        return x
    height, width, channels = x.shape
    name = f"{node.name}_digits"
    shape = (height, width, channels * plan.digits(x.bits))
    sink = replace(x, name=name, tensor="", shape=shape, bits=plan.digit)
    return c.append(Digits(name, node.name, x, sink))


def _vectors(c: Composer, node: QNode, length: int, shape: Shape, x: Stream) -> Stream:
    """Vectors of `length` elements, each as often as makes a stream of `shape`."""
    name = f"{node.name}_vector"
    sink = replace(x, name=name, tensor="", shape=shape)
    passes = sink.beats // x.beats
    return c.append(VectorBuffer(name, node.name, x, sink, length, passes))


def _windows(
    c: Composer, node: QNode, window: Window, beats: tuple[int, int, int], x: Stream
) -> Stream:
    """Whole windows, out of registers: elements a beat, passes, and what padding reads."""
    simd, passes, pad_value = beats
    height, width, channels = c.qgraph.tensor(node.sources[0]).shape
    name, output = f"{node.name}_window", node.out.shape[:2]
    digits = x.shape[2] // channels
    shape = (*output, prod(window.kernel) * channels * digits * passes)
    sink = replace(x, name=name, tensor="", shape=shape, elements=simd)
    source = (height, width, channels)
    return c.append(WindowUnit(name, node.name, x, sink, window, source, output, passes, pad_value))


def _serial(
    c: Composer,
    node: QNode,
    window: Window,
    beats: tuple[int, int, int, int],
    x: Stream,
    awaits: bool = False,
) -> Stream:
    """Windows tap by tap, out of a memory: elements a beat, passes, groups, what padding reads."""
    simd, passes, groups, pad_value = beats
    x = c.convert(x, node.name, simd)
    name, output = f"{node.name}_window", node.out.shape[:2]
    shape = (*output, prod(window.kernel) * x.shape[2] * passes)
    sink = replace(x, name=name, tensor="", shape=shape)
    return c.append(
        WindowSerial(name, node.name, x, sink, window, output, passes, groups, pad_value, awaits)
    )


def _reduce(c: Composer, node: QNode, reduce: q.WindowReduce, x: Stream) -> Stream:
    channels = x.shape[2]
    lanes = c.choices.lane(node.name, x.elements)
    if Pool.supports(reduce):
        x = c.convert(x, node.name, lanes)
        sink = c.stream(f"{node.name}_pool", node.name, lanes)
        return c.append(Pool(f"{node.name}_reduce", node.name, x, sink, reduce, x.shape))
    lowest = IntType(x.bits, x.signed).lo if reduce.kind == "max" else 0
    pad_value = lowest if reduce.pad_value is None else reduce.pad_value
    taps = prod(reduce.window.kernel)
    sink = c.stream(f"{node.name}_pool", node.name, lanes)
    name = f"{node.name}_reduce"
    if lanes == channels and taps * x.bits * channels <= MAX_TREE_BITS:
        x = c.convert(x, node.name, channels)
        x = _windows(c, node, reduce.window, (taps * channels, 1, pad_value), x)
        return c.append(WindowReduceUnit(name, node.name, x, sink, reduce))
    x = _serial(c, node, reduce.window, (lanes, 1, channels // lanes, pad_value), x)
    return c.append(Reduce(name, node.name, x, sink, reduce))


def _requantize(c: Composer, node: QNode, unit: q.Requantize, x: Stream) -> Stream:
    plan, function = c.choices.requant(node.name), unit.requantization
    x = c.convert(x, node.name, plan.lanes)
    sink = c.stream(node.name, node.name, plan.lanes)
    name, design = f"{node.name}_unit", c.qgraph.name
    if plan.method == "thresholds":
        return c.append(Thresholds(name, node.name, x, sink, function, design))
    if plan.method == "csd":
        return c.append(RequantCsd(name, node.name, x, sink, function, design))
    is_dsp, is_reloadable = plan.use_dsp, unit.is_reloadable
    return c.append(
        MultiplyShift(name, node.name, x, sink, function, is_dsp, design, is_reloadable)
    )


def _operand(c: Composer, node: QNode, x: Stream, lanes: int) -> Stream:
    """A source of a unit that waits for two, `lanes` elements a beat out of a FIFO."""
    return c.buffered(c.convert(x, node.name, lanes), node.name)


def _scaled_add(c: Composer, node: QNode, unit: q.ScaledAdd, a: Stream, b: Stream) -> Stream:
    lanes = c.choices.lane(node.name, min(a.elements, b.elements))
    pair = (_operand(c, node, a, lanes), _operand(c, node, b, lanes))
    sink = c.stream(node.name, node.name, lanes)
    return c.append(AddUnit(f"{node.name}_unit", node.name, pair, (sink,), unit, c.qgraph.name))


def _concat(c: Composer, node: QNode, unit: q.Concat, a: Stream, b: Stream) -> Stream:
    """As few elements a beat as keep up with the slower of the sources."""
    common, folds = gcd(a.shape[2], b.shape[2]), max(a.folds, b.folds)
    fewest = next(
        lanes
        for lanes in range(1, common + 1)
        if common % lanes == 0 and (node.out.shape[2] // lanes <= folds or lanes == common)
    )
    lanes = c.choices.lane(node.name, fewest)
    pair = (_operand(c, node, a, lanes), _operand(c, node, b, lanes))
    sink = c.stream(node.name, node.name, lanes)
    return c.append(ConcatUnit(f"{node.name}_unit", node.name, pair, (sink,)))


def _table(c: Composer, node: QNode, unit: q.Table, x: Stream) -> Stream:
    x, sink = _pass(c, node, x)
    return c.append(TableUnit(f"{node.name}_unit", node.name, x, sink, unit, c.qgraph.name))


def _gather(c: Composer, node: QNode, unit: q.Gather, x: Stream) -> Stream:
    """A range of channels is cropped; else words of channels that stay together are picked."""
    order, name = unit.order, f"{node.name}_unit"
    lanes = _together(order, gcd(c.choices.lane(node.name, x.elements), x.shape[2], len(order)))
    x = c.convert(x, node.name, lanes)
    sink = c.stream(node.name, node.name, lanes)
    if order == tuple(range(order[0], order[0] + len(order))):
        size, kept = (x.pixels, x.folds), (x.pixels, sink.folds)
        return c.append(CropUnit(name, node.name, x, sink, size, (0, order[0] // lanes), kept))
    words = tuple(channel // lanes for channel in order[::lanes])
    return c.append(GatherUnit(name, node.name, x, sink, words, c.qgraph.name))


def _together(order: tuple[int, ...], most: int) -> int:
    """The largest divisor of `most` that cuts an order into whole words."""
    return next(
        lanes
        for lanes in range(most, 0, -1)
        if most % lanes == 0
        and all(channel % lanes == k % lanes for k, channel in enumerate(order))
        and all(order[k] // lanes == order[k - k % lanes] // lanes for k in range(len(order)))
    )


def _insert(c: Composer, node: QNode, unit: q.Insert, x: Stream) -> Stream:
    x, sink = _pass(c, node, x)
    return c.append(InsertUnit(f"{node.name}_unit", node.name, x, sink, unit))


def _upsample(c: Composer, node: QNode, unit: q.Upsample, x: Stream) -> Stream:
    x, sink = _pass(c, node, x)
    for buffer in upsample_units(f"{node.name}_unit", node.name, x, sink, unit.factors):
        c.append(buffer)
    return sink


def _crop(c: Composer, node: QNode, unit: q.Crop, x: Stream) -> Stream:
    x, sink = _pass(c, node, x)
    size, kept = x.shape[:2], sink.shape[:2]
    corner = (unit.top, unit.left)
    return c.append(CropUnit(f"{node.name}_unit", node.name, x, sink, size, corner, kept))


def _argmax(c: Composer, node: QNode, unit: q.ArgMax, x: Stream) -> Stream:
    sink = c.stream(node.name, node.name, 1)
    return c.append(ArgMaxUnit(f"{node.name}_unit", node.name, x, sink))


def _pass(c: Composer, node: QNode, x: Stream) -> tuple[Stream, Stream]:
    """The source with as many elements as planned, and a sink with as many."""
    x = c.convert(x, node.name, c.choices.lane(node.name, x.elements))
    return x, c.stream(node.name, node.name, x.elements)


_COMPOSERS: dict[type[Any], Callable[..., Stream]] = {
    q.Mac: _mac,
    q.WindowReduce: _reduce,
    q.Requantize: _requantize,
    q.ScaledAdd: _scaled_add,
    q.Table: _table,
    q.Concat: _concat,
    q.Gather: _gather,
    q.Insert: _insert,
    q.Upsample: _upsample,
    q.Crop: _crop,
    q.ArgMax: _argmax,
    q.Part: engine.add,
}
