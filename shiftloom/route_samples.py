"""Sample units that move, look up and compare elements; see `samples.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.argmax import ArgMaxUnit
from shiftloom.codegen.dataflows.streaming.concat import ConcatUnit
from shiftloom.codegen.dataflows.streaming.crop import CropUnit
from shiftloom.codegen.dataflows.streaming.extend import Extend
from shiftloom.codegen.dataflows.streaming.fork import Fork
from shiftloom.codegen.dataflows.streaming.frame_split import FrameSplit
from shiftloom.codegen.dataflows.streaming.gather import GatherUnit
from shiftloom.codegen.dataflows.streaming.insert import InsertUnit
from shiftloom.codegen.dataflows.streaming.reduce import Reduce
from shiftloom.codegen.dataflows.streaming.table import TableUnit
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.dataflows.streaming.window_serial import WindowSerial
from shiftloom.codegen.design import Stream
from shiftloom.codegen.qgraph import Insert, Table, WindowReduce
from shiftloom.codegen.values import Array, Shape
from shiftloom.codegen.windows import Window

DESIGN = "sample"
_SEED = 3

_WINDOW_SERIAL = (  # size, channels, SIMD, groups, bits, (kernel, stride, padding), passes
    ((32, 32), 16, 16, 1, 8, (3, 1, 1), 1),
    ((32, 32), 16, 4, 1, 8, (3, 2, 1), 8),
    ((16, 16), 32, 8, 1, 8, (3, 1, 1), 2),
    ((8, 8), 64, 4, 1, 8, (3, 1, 1), 4),
    ((25, 5), 64, 4, 16, 8, (3, 1, 1), 1),
    ((25, 5), 64, 16, 4, 4, (3, 1, 1), 1),
    ((49, 10), 1, 1, 1, 8, (10, 2, 4), 4),
    ((16, 16), 32, 16, 1, 8, (1, 2, 0), 64),
    ((12, 12), 8, 8, 1, 2, (3, 1, 0), 1),
    ((96, 96), 3, 3, 1, 8, (3, 2, 1), 2),
)
_REDUCE = ((4, 9, 8, 0), (2, 9, 13, 0), (8, 64, 8, 6), (1, 9, 8, 4), (16, 4, 8, 2), (3, 16, 20, 0))
"""Lanes, side of the window squared, bits, extra bits of a sum (0: maximum)."""
_ARGMAX = ((1, 10, 8), (1, 12, 20), (2, 8, 8), (5, 2, 16), (10, 1, 8), (4, 4, 12))
"""Lanes, folds, bits."""
_FORK = ((1, 8), (4, 8), (16, 8), (2, 20), (32, 4))
_EXTEND = ((1, 20, 24), (1, 13, 16), (2, 7, 8), (1, 30, 32))
_CONCAT = ((8, 3, 5), (32, 4, 4), (64, 1, 7), (16, 20, 12), (128, 2, 2))
"""Bits of a beat, beats of both parts."""
_INSERT = (  # size, folds, lanes, bits, pad, gaps
    ((8, 8), 1, 4, 8, (1, 1, 1, 1), (0, 0)),
    ((16, 16), 4, 2, 8, (0, 0, 2, 2), (0, 0)),
    ((7, 7), 2, 8, 8, (1, 1, 1, 1), (1, 1)),
    ((32, 32), 1, 3, 8, (2, 2, 2, 2), (0, 0)),
    ((5, 9), 8, 1, 4, (0, 1, 0, 1), (1, 0)),
)
_CROP = (  # size, folds, lanes, bits, corner, kept
    ((8, 8), 1, 4, 8, (1, 1), (6, 6)),
    ((16, 16), 4, 2, 8, (0, 0), (8, 8)),
    ((32, 20), 2, 8, 8, (3, 5), (20, 10)),
    ((7, 9), 8, 1, 4, (2, 0), (5, 9)),
)
_GATHER = ((8, 1, 8), (16, 2, 8), (64, 1, 8), (32, 4, 8), (24, 8, 4), (100, 1, 8))
"""Channels, lanes, bits."""
_TABLE = (  # lanes, folds, bits in, bits out, a table for each channel
    (1, 1, 8, 8, False),
    (4, 2, 8, 8, False),
    (2, 1, 6, 6, False),
    (1, 4, 4, 4, True),
    (2, 8, 8, 8, True),
    (3, 2, 4, 8, True),
    (2, 1, 5, 4, False),
)


def _stream(shape: Shape, elements: int, bits: int, signed: bool, name: str = "s") -> Stream:
    return Stream(name, "", shape, elements, bits, signed)


def _window_serial(
    name: str,
    size: tuple[int, int],
    channels: int,
    simd: int,
    groups: int,
    bits: int,
    geometry: tuple[int, int, int],
    passes: int,
) -> WindowSerial:
    kernel, stride, padding = geometry
    window = Window((kernel, min(kernel, size[1] // 2)), (stride, stride), (padding, padding // 2))
    if kernel <= 3:
        window = Window((kernel, kernel), (stride, stride), (padding, padding))
    output = window.output(name, (*size, channels))
    source = _stream((*size, channels), simd, bits, False)
    taps = window.kernel[0] * window.kernel[1]
    sink = _stream((*output, taps * channels * passes), simd, bits, False, "m")
    return WindowSerial(name, "sample", source, sink, window, output, passes, groups, 0)


def _reduce(name: str, lanes: int, taps: int, bits: int, extra: int) -> Reduce:
    side = round(taps**0.5)
    reduce = WindowReduce("sum" if extra else "max", Window((side, side)))
    source = _stream((4, 4, taps * lanes), lanes, bits, True)
    sink = _stream((4, 4, lanes), lanes, bits + extra, True, "m")
    return Reduce(name, "sample", source, sink, reduce)


def _argmax(name: str, lanes: int, folds: int, bits: int) -> ArgMaxUnit:
    channels = lanes * folds
    source = _stream((2, 2, channels), lanes, bits, True)
    width = max(1, (channels - 1).bit_length())
    return ArgMaxUnit(name, "sample", source, _stream((2, 2, 1), 1, width, False, "m"))


def _fork(name: str, elements: int, bits: int) -> Fork:
    shape = (4, 4, elements)
    first, second = (_stream(shape, elements, bits, False, f"m{i}") for i in range(2))
    return Fork(name, "sample", (_stream(shape, elements, bits, False),), (first, second))


def _extend(name: str, elements: int, bits: int, wide: int) -> Extend:
    shape = (1, 1, 4 * elements)
    source = _stream(shape, elements, bits, True)
    return Extend(name, "sample", source, _stream(shape, elements, wide, True, "m"))


def _concat(name: str, width: int, a_beats: int, b_beats: int) -> ConcatUnit:
    a = _stream((4, 4, a_beats), 1, width, False, "s0")
    b = _stream((4, 4, b_beats), 1, width, False, "s1")
    sink = _stream((4, 4, a_beats + b_beats), 1, width, False, "m")
    return ConcatUnit(name, "sample", (a, b), (sink,))


def _frame_split(name: str, width: int, a_beats: int, b_beats: int) -> FrameSplit:
    source = _stream((4, 4, a_beats + b_beats), 1, width, False)
    a = _stream((4, 4, a_beats), 1, width, False, "m0")
    b = _stream((4, 4, b_beats), 1, width, False, "m1")
    return FrameSplit(name, "sample", (source,), (a, b))


def _insert(
    name: str,
    size: tuple[int, int],
    folds: int,
    lanes: int,
    bits: int,
    pad: tuple[int, int, int, int],
    gaps: tuple[int, int],
) -> InsertUnit:
    rows = size[0] + (size[0] - 1) * gaps[0] + pad[0] + pad[2]
    columns = size[1] + (size[1] - 1) * gaps[1] + pad[1] + pad[3]
    source = _stream((*size, folds * lanes), lanes, bits, False)
    sink = _stream((rows, columns, folds * lanes), lanes, bits, False, "m")
    return InsertUnit(name, "sample", source, sink, Insert(pad, gaps, 3))


def _crop(
    name: str,
    size: tuple[int, int],
    folds: int,
    lanes: int,
    bits: int,
    corner: tuple[int, int],
    kept: tuple[int, int],
) -> CropUnit:
    source = _stream((*size, folds * lanes), lanes, bits, False)
    sink = _stream((*kept, folds * lanes), lanes, bits, False, "m")
    return CropUnit(name, "sample", source, sink, size, corner, kept)


def _gather(name: str, channels: int, lanes: int, bits: int) -> GatherUnit:
    random = np.random.default_rng([_SEED, channels, lanes])
    order = tuple(random.permutation(channels // lanes).tolist())
    source = _stream((4, 4, channels), lanes, bits, False)
    sink = _stream((4, 4, channels), lanes, bits, False, "m")
    return GatherUnit(name, "sample", source, sink, order, DESIGN)


def _table(
    name: str, lanes: int, folds: int, bits: int, out_bits: int, per_channel: bool
) -> TableUnit:
    random = np.random.default_rng([_SEED, lanes, folds, bits])
    shape = (lanes * folds, 1 << bits) if per_channel else (1 << bits,)
    values = Array(random.integers(0, 1 << out_bits, shape))
    source = _stream((4, 4, lanes * folds), lanes, bits, False)
    sink = _stream((4, 4, lanes * folds), lanes, out_bits, False, "m")
    return TableUnit(name, "sample", source, sink, Table(values), DESIGN)


KINDS: dict[str, tuple[Callable[..., Unit], tuple[tuple[Any, ...], ...]]] = {
    "window_serial": (_window_serial, _WINDOW_SERIAL),
    "reduce": (_reduce, _REDUCE),
    "argmax": (_argmax, _ARGMAX),
    "fork": (_fork, _FORK),
    "extend": (_extend, _EXTEND),
    "concat": (_concat, _CONCAT),
    "frame_split": (_frame_split, _CONCAT),
    "insert": (_insert, _INSERT),
    "crop": (_crop, _CROP),
    "gather": (_gather, _GATHER),
    "table": (_table, _TABLE),
}
