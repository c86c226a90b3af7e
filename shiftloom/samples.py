"""Small units of every kind, across the parameters that decide their size, to fit the cost models.

Each sample is a real unit of the streaming dataflow, small enough to synthesize in seconds.
"""

from __future__ import annotations

from itertools import count

import numpy as np

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
from shiftloom.codegen.values import Array, IntType, Shape
from shiftloom.codegen.windows import Window

DESIGN = "sample"
_SEED = 2

_MVU_SHIFT = (  # outputs, terms, PE, SIMD, activation bits
    (8, 50, 4, 25, 8),
    (4, 48, 2, 16, 4),
    (4, 25, 4, 25, 8),
    (8, 75, 4, 15, 8),
    (6, 24, 2, 12, 8),
    (10, 84, 1, 2, 8),
    (12, 60, 3, 10, 8),
    (16, 16, 1, 4, 4),
    (16, 32, 4, 8, 4),
    (10, 64, 1, 1, 8),
    (30, 120, 3, 8, 8),
    (40, 64, 4, 16, 8),
    (20, 128, 2, 16, 4),
    (60, 100, 6, 5, 8),
)
_CONSTANT = (  # outputs, terms, activation bits
    (6, 25, 8),
    (4, 12, 8),
    (8, 27, 4),
    (10, 40, 8),
    (3, 9, 4),
)
_WINDOW = (  # height, width, channels, bits, kernel, stride, padding, SIMD, passes
    (28, 28, 1, 8, 5, 1, 2, 25, 1),
    (28, 28, 1, 8, 5, 1, 2, 5, 6),
    (14, 14, 2, 8, 5, 1, 0, 10, 4),
    (14, 14, 6, 8, 5, 1, 0, 50, 2),
    (10, 10, 4, 4, 3, 1, 1, 12, 2),
    (12, 12, 3, 8, 3, 2, 0, 27, 1),
    (8, 8, 8, 8, 3, 1, 1, 8, 1),
    (16, 16, 4, 4, 2, 2, 0, 2, 2),
    (40, 40, 3, 8, 3, 1, 1, 27, 1),
)
_VECTOR_BUFFER = ((400, 16, 8, 30), (120, 5, 8, 28), (84, 2, 8, 10), (400, 2, 8, 60), (64, 16, 4, 8))
_POOL = (  # height, width, folds, lanes, bits, extra bits, kernel, kind
    (28, 28, 1, 6, 13, 0, 2, "max"),
    (28, 28, 3, 2, 13, 0, 2, "max"),
    (10, 10, 2, 8, 16, 0, 2, "max"),
    (10, 10, 16, 1, 16, 0, 2, "max"),
    (12, 12, 1, 4, 8, 4, 3, "sum"),
    (16, 16, 2, 4, 6, 2, 2, "sum"),
)
_WINDOW_REDUCE = (  # taps, lanes, bits, extra bits, kind
    (9, 4, 13, 0, "max"),
    (4, 6, 16, 0, "max"),
    (9, 2, 8, 4, "sum"),
    (4, 8, 6, 2, "sum"),
)
_REQUANT = (  # lanes, folds, bits in, bits of M, shift, bits out, DSP
    (2, 3, 14, 8, 13, 8, False),
    (1, 16, 16, 8, 14, 8, False),
    (4, 2, 20, 8, 15, 8, False),
    (2, 4, 12, 6, 10, 4, False),
    (2, 2, 18, 12, 18, 8, False),
    (1, 10, 14, 8, 0, 32, False),
    (1, 1, 14, 4, 0, 32, False),
    (3, 2, 14, 8, 13, 8, True),
    (2, 8, 18, 16, 20, 8, True),
    (4, 1, 20, 8, 15, 4, True),
)
_THRESHOLDS = ((2, 2, 14, 4), (1, 8, 16, 4), (4, 1, 12, 2), (1, 4, 14, 8), (2, 1, 16, 6))
_FIFO = ((8, 2), (24, 2), (32, 16), (64, 32), (8, 100), (16, 300), (48, 250), (8, 512))
_WIDTH = ((6, 3, 14), (16, 2, 8), (4, 1, 16), (8, 2, 4), (2, 16, 8), (3, 6, 8), (1, 5, 8), (1, 4, 16))


def samples() -> tuple[Unit, ...]:
    """All sample units, the same at every call."""
    units: list[Unit] = []
    units += [_shift_matrix(*row) for row in _MVU_SHIFT]
    units += [_constant(*row) for row in _CONSTANT]
    units += [_window(*row) for row in _WINDOW]
    units += [_vector_buffer(*row) for row in _VECTOR_BUFFER]
    units += [_pool(*row) for row in _POOL]
    units += [_window_reduce(*row) for row in _WINDOW_REDUCE]
    units += [_requant(*row) for row in _REQUANT]
    units += [_thresholds(*row) for row in _THRESHOLDS]
    units += [_fifo(*row) for row in _FIFO]
    units += [_width(*row) for row in _WIDTH]
    return tuple(units)
