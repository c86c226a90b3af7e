"""Runs the memories of an engine in NumPy, word by word as the hardware does.

It reads nothing but what the hardware reads: program words, step entries, codes, biases and scales
as they are packed. So outputs equal to those of the golden model prove a program without RTL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic
from shiftloom.codegen.dataflows.engine.operations import Lanes, Operations
from shiftloom.codegen.dataflows.engine.program import Compute
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.pe.folding import wrapped
from shiftloom.codegen.pe.shift import PRODUCT_BITS
from shiftloom.codegen.qgraph import ScaledAdd
from shiftloom.codegen.values import Array, IntArray
from shiftloom.codegen.windows import im2col


@dataclass(frozen=True, slots=True)
class Constants:
    """The memories that both engines have: step entries, biases, M and C."""

    step: Array
    bias: Array
    m: Array
    c: Array


def fronted(operations: Operations, x: IntArray, pad: int) -> IntArray:
    """Frames [N, H, W, C] as the engine gets them, behind the streaming window before it."""
    if operations.front is None:
        return x.reshape(len(x), *operations.source.tensor.shape)
    rows = im2col(x, operations.front, pad)
    return rows.reshape(*rows.shape[:3], -1)


def ingest(frame: IntArray, lanes: Lanes, widths: Arithmetic) -> IntArray:
    """A frame [H, W, C] as words [block, pixel, lane], missing lanes 0."""
    height, width, channels = frame.shape
    blocks = -(-channels // lanes.rows)
    words = np.zeros((height * width, blocks * lanes.rows), np.int64)
    words[:, :channels] = frame.reshape(-1, channels) & ((1 << widths.lane) - 1)
    return words.reshape(-1, blocks, lanes.rows).transpose(1, 0, 2)


def extended(raw: IntArray, bits: int, signed: bool) -> IntArray:
    """Lanes of `bits` bits as integers."""
    sign = raw >> (bits - 1) & int(signed)
    return raw - (sign << bits)


@dataclass(frozen=True, slots=True)
class Machine:
    """The array and the post-processing of an engine."""

    lanes: Lanes
    widths: Arithmetic
    constants: Constants

    def walk(self, at: Compute) -> Iterator[list[IntArray]]:
        """The step entries of every tile of outputs."""
        position = at.step
        for _ in range(at.co):
            entries = []
            while True:
                entries.append(self.constants.step.data[position])
                position += 1
                if entries[-1][3] & 1:
                    break
            yield entries
            if at.has("rewind"):
                position = at.step

    def taps(self, buffer: IntArray, at: Compute, entry: IntArray) -> IntArray:
        """The masked operands [pixels, R] of a step, out of a buffer of words [depth, R]."""
        oy, ox = np.divmod(np.arange(at.ny * at.nx), at.nx)
        row = (at.nx - 1) * at.step_x + at.step_y
        address = at.addr + oy * row + ox * at.step_x + int(entry[0])
        iy, ix = at.iy0 + oy * at.sy + entry[1], at.ix0 + ox * at.sx + entry[2]
        inside = (iy >= 0) & (iy < at.h) & (ix >= 0) & (ix < at.w)
        address = address % (1 << max(1, (len(buffer) - 1).bit_length()))
        raw = buffer[np.where(inside, address, 0)]
        values = extended(raw, self.widths.lane, at.has("signed"))
        return np.where(inside[:, None], values, at.pad)

    def sums(
        self, buffer: IntArray, at: Compute, entries: list[IntArray], param: int, weights: IntArray
    ) -> IntArray:
        """Accumulators [pixels, C] after the steps of a tile, `weights` [steps, C, R]."""
        bias = self.constants.bias.data[param]
        total = np.zeros((at.ny * at.nx, len(bias)))
        lost = np.zeros(len(bias), np.int64)
        for entry, fields in zip(entries, weights, strict=True):
            values, excess = self._decoded(fields)
            total += self.taps(buffer, at, entry).astype(np.float64) @ values.T
            lost += excess
        return wrapped(total.astype(np.int64) + lost + bias, self.widths.acc_bits)

    def _decoded(self, fields: IntArray) -> tuple[npt.NDArray[np.float64], IntArray]:
        """Weights [C, R] as numbers, and what the products of a step are too large by [C].

        Of `sl_shift_product`: a negative product is inverted, so 2^P − 1 too large without sign;
        with a signed operand every product has its top bit inverted, 2^(P−1) more, and a negative
        one is 1 too small.
        """
        widths = self.widths
        if not widths.shift_w:
            return fields.astype(np.float64), np.zeros(len(fields), np.int64)
        values = Qsq(phi=4).decode(fields.astype(np.uint8)).astype(np.int64)
        negative, span = (values < 0).sum(axis=1), 1 << (widths.x_bits + PRODUCT_BITS)
        if widths.x_signed:
            return values.astype(np.float64), span // 2 * fields.shape[1] - negative
        return values.astype(np.float64), negative * (span - 1)

    def largest(self, buffer: IntArray, at: Compute, entries: list[IntArray]) -> IntArray:
        """The maxima [pixels, R] of the operands of all steps, as lanes."""
        values = self.taps(buffer, at, entries[0])
        for entry in entries[1:]:
            values = np.maximum(values, self.taps(buffer, at, entry))
        return self._lanes(values)

    def post(self, at: Compute, sums: IntArray, param: int, residual: IntArray) -> IntArray:
        """Sums [pixels, C] requantized, and added to the words of a residual, as lanes."""
        m, c = self.constants.m.data[param], self.constants.c.data[param]
        t = sums * m + c
        y = np.clip(_rounded(t, at.shift) + at.zero, at.lo, at.hi)
        if at.has("residual"):
            add = ScaledAdd(at.m1, at.m2, at.add, at.shift2, at.lo2, at.hi2, at.zero2)
            y = add.apply(y, extended(residual, self.widths.lane, at.has("res_signed")))
        return self._lanes(y)

    def _lanes(self, values: IntArray) -> IntArray:
        return values & ((1 << self.widths.lane) - 1)


def _rounded(t: IntArray, shift: int) -> IntArray:
    """T / 2^shift, half to even."""
    if not shift:
        return t
    return (t + ((1 << (shift - 1)) - 1) + ((t >> shift) & 1)) >> shift
