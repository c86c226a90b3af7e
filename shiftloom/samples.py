"""Small units of every kind, across the parameters that decide their size, to fit the cost models.

Each sample is a real unit of the streaming dataflow, small enough to synthesize in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shiftloom.arith_samples import KINDS as ARITHMETIC
from shiftloom.codegen.dataflows.streaming.digits import Digits
from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.pool import Pool, WindowReduceUnit
from shiftloom.codegen.dataflows.streaming.requantize import MultiplyShift, Thresholds
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.dataflows.streaming.vector_buffer import VectorBuffer
from shiftloom.codegen.dataflows.streaming.width import Width
from shiftloom.codegen.dataflows.streaming.window import WindowUnit
from shiftloom.codegen.design import Stream
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.pe import ConstantMatrix, ShiftMatrix
from shiftloom.codegen.qgraph import Mac, WindowReduce
from shiftloom.codegen.quantizers import qsq
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array, IntArray, IntType, Shape
from shiftloom.codegen.windows import Window
from shiftloom.depthwise_samples import KINDS as DEPTHWISE
from shiftloom.engine_samples import KINDS as ENGINES
from shiftloom.route_samples import KINDS as ROUTES
from shiftloom.taps_samples import KINDS as TAPS
from shiftloom.vector_samples import KINDS as VECTORS

DESIGN = "sample"
_SEED = 2

_MVU_SHIFT = (  # outputs, terms, PE, SIMD, activation bits
    (4, 75, 2, 25, 8),
    (2, 150, 1, 50, 8),
    (4, 20, 2, 10, 8),
    (4, 48, 2, 16, 4),
    (3, 25, 3, 25, 8),
    (2, 16, 2, 16, 4),
    (8, 75, 4, 15, 8),
    (6, 24, 2, 12, 8),
    (10, 84, 1, 2, 8),
    (10, 84, 1, 3, 8),
    (12, 60, 3, 10, 8),
    (16, 16, 1, 4, 4),
    (16, 32, 4, 8, 4),
    (10, 64, 1, 1, 8),
    (30, 120, 3, 8, 8),
    (40, 64, 4, 16, 8),
    (20, 128, 2, 16, 4),
    (60, 100, 6, 5, 8),
    (32, 72, 32, 2, 8),
    (16, 96, 16, 4, 8),
    (64, 40, 32, 1, 8),
    (32, 72, 16, 8, 8),
)
_CONSTANT = (  # outputs, terms, activation bits, bits of them a beat
    (6, 25, 8, 8),
    (4, 12, 8, 8),
    (8, 27, 4, 4),
    (10, 40, 8, 8),
    (3, 9, 4, 4),
    (8, 40, 8, 2),
    (16, 75, 8, 2),
    (10, 60, 4, 2),
    (8, 27, 8, 4),
    (6, 50, 8, 1),
    (12, 32, 4, 1),
)
_DIGITS = ((6, 8, 2), (3, 8, 4), (16, 4, 2), (8, 8, 1), (1, 8, 2))  # elements, bits, bits a digit
_WINDOW = (  # size, channels, bits, (kernel, stride, padding), SIMD, passes, digits
    ((28, 28), 1, 8, (5, 1, 2), 25, 1),
    ((28, 28), 1, 8, (5, 1, 2), 5, 6),
    ((14, 14), 2, 8, (5, 1, 0), 10, 4),
    ((14, 14), 6, 8, (5, 1, 0), 50, 2),
    ((10, 10), 4, 4, (3, 1, 1), 12, 2),
    ((12, 12), 3, 8, (3, 2, 0), 27, 1),
    ((8, 8), 8, 8, (3, 1, 1), 8, 1),
    ((16, 16), 4, 4, (2, 2, 0), 2, 2),
    ((40, 40), 3, 8, (3, 1, 1), 27, 1),
    ((14, 14), 6, 2, (5, 1, 0), 150, 1, 4),
    ((16, 16), 8, 2, (3, 1, 1), 72, 1, 4),
    ((12, 12), 4, 1, (3, 2, 1), 36, 1, 4),
    ((32, 32), 16, 1, (3, 1, 1), 144, 1, 8),
    ((28, 28), 8, 2, (3, 1, 1), 72, 1, 4),
)
_VECTOR_BUFFER = (
    (400, 16, 8, 30),
    (120, 5, 8, 28),
    (84, 2, 8, 10),
    (400, 2, 8, 60),
    (64, 16, 4, 8),
)
_POOL = (  # size, folds, lanes, bits, extra bits of a sum (0: maximum), kernel
    (28, 1, 6, 13, 0, 2),
    (28, 3, 2, 13, 0, 2),
    (10, 2, 8, 16, 0, 2),
    (10, 16, 1, 16, 0, 2),
    (12, 1, 4, 8, 4, 3),
    (16, 2, 4, 6, 2, 2),
    (14, 1, 4, 10, 0, 2),
    (20, 3, 3, 12, 0, 2),
)
_WINDOW_REDUCE = (  # taps, lanes, bits, extra bits of a sum
    (9, 4, 13, 0),
    (4, 6, 16, 0),
    (9, 2, 8, 4),
    (4, 8, 6, 2),
)
_REQUANT = (  # lanes, folds, bits in, bits of M, shift, bits out, DSP
    (2, 3, 14, 8, 13, 8, False),
    (1, 16, 16, 8, 14, 8, False),
    (4, 2, 20, 8, 15, 8, False),
    (1, 120, 19, 8, 12, 8, False),
    (1, 84, 18, 8, 11, 8, False),
    (2, 4, 12, 6, 10, 4, False),
    (2, 2, 18, 12, 18, 8, False),
    (1, 10, 14, 8, 0, 32, False),
    (1, 1, 14, 4, 0, 32, False),
    (3, 2, 14, 8, 13, 8, True),
    (2, 8, 18, 16, 20, 8, True),
    (4, 1, 20, 8, 15, 4, True),
    (1, 64, 18, 8, 11, 8, True),
    (1, 32, 15, 8, 11, 8, True),
)
_THRESHOLDS = (
    (2, 2, 14, 4),
    (1, 8, 16, 4),
    (4, 1, 12, 2),
    (1, 4, 14, 8),
    (2, 1, 16, 6),
    (2, 3, 13, 5),
    (1, 16, 18, 4),
)
_FIFO = ((8, 2), (24, 2), (32, 16), (64, 32), (8, 100), (16, 300), (48, 250), (8, 512))
_WIDTH = (
    (6, 3, 14),
    (16, 2, 8),
    (4, 1, 16),
    (8, 2, 4),
    (2, 16, 8),
    (3, 6, 8),
    (1, 5, 8),
    (1, 4, 16),
)


def samples() -> tuple[Unit, ...]:
    """All sample units, the same at every call."""
    return tuple(
        build(f"{kind}_{index}", *row)
        for kind, (build, rows) in _KINDS.items()
        for index, row in enumerate(rows)
    )


def _stream(shape: Shape, elements: int, bits: int, signed: bool, name: str = "s") -> Stream:
    return Stream(name, "", shape, elements, bits, signed)


def _mac(outputs: int, terms: int, bits: int) -> tuple[Mac, int]:
    """A layer with random weights, and the width of its sums."""
    random = np.random.default_rng([_SEED, outputs, terms, bits])
    weights = random.normal(size=(outputs, 1, 1, terms)).astype(np.float32)
    codes = qsq.quantize("sample", weights, Qsq(4, None, "output"))
    bias = random.integers(-1000, 1000, outputs)
    reach = int(np.abs(codes.values.data).reshape(outputs, -1).sum(axis=1).max()) << bits
    mac = Mac(codes.values, Array(bias), Window((1, 1)), 0, codes)
    return mac, IntType.covering(-reach - 1000, reach + 1000).bits


def _shift_matrix(
    name: str, outputs: int, terms: int, pe: int, simd: int, bits: int
) -> ShiftMatrix:
    mac, acc_bits = _mac(outputs, terms, bits)
    source = _stream((1, 1, terms * outputs // pe), simd, bits, False)
    sink = _stream((1, 1, outputs), pe, acc_bits, True, "m")
    return ShiftMatrix(name, "sample", source, sink, mac, DESIGN)


def _constant(name: str, outputs: int, terms: int, bits: int, digit: int) -> ConstantMatrix:
    mac, acc_bits = _mac(outputs, terms, bits)
    source = _stream((1, 1, terms * (bits // digit)), terms, digit, False)
    sink = _stream((1, 1, outputs), outputs, acc_bits, True, "m")
    return ConstantMatrix(name, "sample", source, sink, mac, DESIGN)


def _window(
    name: str,
    size: tuple[int, int],
    channels: int,
    bits: int,
    geometry: tuple[int, int, int],
    simd: int,
    passes: int,
    digits: int = 1,
) -> WindowUnit:
    kernel, stride, padding = geometry
    window = Window((kernel, kernel), (stride, stride), (padding, padding))
    shape = (*size, channels)
    output = window.output(name, shape)
    source = _stream((*size, channels * digits), channels, bits, False)
    elements = kernel * kernel * channels * digits * passes
    sink = _stream((*output, elements), simd, bits, False, "m")
    return WindowUnit(name, "sample", source, sink, window, shape, output, passes, 0)


def _digits(name: str, elements: int, bits: int, digit: int) -> Digits:
    source = _stream((1, 8, elements), elements, bits, False)
    sink = _stream((1, 8, elements * (bits // digit)), elements, digit, False, "m")
    return Digits(name, "sample", source, sink)


def _vector_buffer(name: str, length: int, simd: int, bits: int, passes: int) -> VectorBuffer:
    source = _stream((1, 1, length), simd, bits, False)
    sink = _stream((1, 1, length * passes), simd, bits, False, "m")
    return VectorBuffer(name, "sample", source, sink, length, passes)


def _pool(name: str, size: int, folds: int, lanes: int, bits: int, extra: int, kernel: int) -> Pool:
    window = Window((kernel, kernel), (kernel, kernel))
    shape = (size, size, folds * lanes)
    reduce = WindowReduce("sum" if extra else "max", window)
    sink = _stream((*window.output(name, shape), shape[2]), lanes, bits + extra, True, "m")
    return Pool(name, "sample", _stream(shape, lanes, bits, True), sink, reduce, shape)


def _window_reduce(name: str, taps: int, lanes: int, bits: int, extra: int) -> WindowReduceUnit:
    side = round(taps**0.5)
    reduce = WindowReduce("sum" if extra else "max", Window((side, side)))
    source = _stream((8, 8, taps * lanes), taps * lanes, bits, True)
    sink = _stream((8, 8, lanes), lanes, bits + extra, True, "m")
    return WindowReduceUnit(name, "sample", source, sink, reduce)


def _multipliers(random: np.random.Generator, channels: int, bits: int) -> IntArray:
    """M as networks have it: spread by a quarter about half of the range."""
    spread = random.normal(0.5, 0.12, channels) * (1 << bits)
    m: IntArray = np.clip(spread, 1, (1 << bits) - 1).astype(np.int64)
    return m


def _requant(
    name: str,
    lanes: int,
    folds: int,
    in_bits: int,
    m_bits: int,
    shift: int,
    out_bits: int,
    use_dsp: bool,
) -> MultiplyShift:
    random = np.random.default_rng([_SEED, lanes, folds, in_bits])
    out = IntType(out_bits, signed=shift == 0)
    m = Array(_multipliers(random, lanes * folds, m_bits))
    reach = 1 << (in_bits + m_bits - 2)
    lo, hi = (-reach, reach) if shift == 0 else (out.lo, out.hi)
    function = Requantization(m, shift, m_bits, out, lo, hi)
    source = _stream((4, 4, lanes * folds), lanes, in_bits, True)
    sink = _stream((4, 4, lanes * folds), lanes, out_bits, out.signed, "m")
    return MultiplyShift(name, "sample", source, sink, function, use_dsp, DESIGN)


def _thresholds(name: str, lanes: int, folds: int, in_bits: int, out_bits: int) -> Thresholds:
    random = np.random.default_rng([_SEED, lanes, folds, in_bits])
    out = IntType(out_bits, signed=False)
    m = Array(random.integers(128, 256, lanes * folds))
    function = Requantization(m, in_bits + 7 - out_bits, 8, out, out.lo, out.hi)
    source = _stream((4, 4, lanes * folds), lanes, in_bits, True)
    sink = _stream((4, 4, lanes * folds), lanes, out_bits, False, "m")
    return Thresholds(name, "sample", source, sink, function, DESIGN)


def _fifo(name: str, bits: int, depth: int) -> Fifo:
    source, sink = (_stream((1, 1, 64), 1, bits, False, port) for port in "sm")
    return Fifo(name, "sample", source, sink, depth)


def _width(name: str, elements: int, sink_elements: int, bits: int) -> Width:
    shape = (1, 1, 16 * elements * sink_elements)
    source = _stream(shape, elements, bits, False)
    return Width(name, "sample", source, _stream(shape, sink_elements, bits, False, "m"))


_KINDS: dict[str, tuple[Callable[..., Unit], tuple[tuple[Any, ...], ...]]] = {
    "mvu_shift": (_shift_matrix, _MVU_SHIFT),
    "constant": (_constant, _CONSTANT),
    "digits": (_digits, _DIGITS),
    "window": (_window, _WINDOW),
    "vector_buffer": (_vector_buffer, _VECTOR_BUFFER),
    "pool": (_pool, _POOL),
    "window_reduce": (_window_reduce, _WINDOW_REDUCE),
    "requant": (_requant, _REQUANT),
    "thresholds": (_thresholds, _THRESHOLDS),
    "fifo": (_fifo, _FIFO),
    "width": (_width, _WIDTH),
    **ROUTES,
    **ARITHMETIC,
    **DEPTHWISE,
    **VECTORS,
    **TAPS,
    **ENGINES,
}
