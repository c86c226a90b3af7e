"""Widths of an engine's numbers, and its memories of weights, biases and scales."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.dataflows.engine.operations import Lanes, Op, Operations, Region
from shiftloom.codegen.dataflows.engine.rewrite import WAY_OUT
from shiftloom.codegen.dataflows.engine.steps import Steps
from shiftloom.codegen.dataflows.streaming.bit_fields import bits_of
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.pe.folding import wrapped
from shiftloom.codegen.pe.shift import PRODUCT_BITS, has_codes
from shiftloom.codegen.values import IntArray, IntType

WORD_BITS = 32
"""Constants of an instruction."""
MAX_SCALE_BITS = 63
CODE_BITS = 3
LEAST_FACTOR_BITS = 2
"""Of the factors of sums: without a residual the hardware multiplies by 1."""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Widths of lanes, operands, weights, sums, multipliers, offsets and residual constants."""

    lane: int
    x_bits: int
    x_signed: bool
    w_bits: int
    shift_w: bool
    acc_bits: int
    m_bits: int
    c_bits: int
    f_bits: int
    k_bits: int

    def parameters(self) -> tuple[tuple[str, int], ...]:
        """Those that both engines have, in their order."""
        return (
            ("X_BITS", self.x_bits),
            ("X_SIGNED", int(self.x_signed)),
            ("W_BITS", self.w_bits),
            ("SHIFT_W", int(self.shift_w)),
            ("ACC_BITS", self.acc_bits),
            ("M_BITS", self.m_bits),
            ("C_BITS", self.c_bits),
            ("F_BITS", self.f_bits),
            ("K_BITS", self.k_bits),
        )


def arithmetic(operations: Operations, lane: int | None = None) -> Arithmetic:
    """The widths that all operations need; lanes of the widest stored map, or of `lane` bits.

    Raises ShiftloomError naming an operation whose values or constants are too wide.
    """
    ops = operations.ops
    regions = list(_regions(ops))
    widest = max(region.type.bits for region in regions)
    for op in ops:
        _check(op, lane or widest)
    read = {op.source.type.signed for op in ops}
    weights = [op.weights for op in ops if op.weights is not None]
    shift = all(has_codes(each) for each in weights)
    adds = [op.residual.add for op in ops if op.residual]
    offsets = [op.requant.offset.data for op in ops if op.requant is not None]
    c_lo, c_hi = _span(offsets)
    lane = lane or widest
    return Arithmetic(
        lane,
        lane + (len(read) > 1),
        True in read,
        CODE_BITS if shift else _signed_bits(each.data for each in weights),
        shift,
        max(op.acc_bits for op in ops),
        max((op.requant.m_bits for op in ops if op.requant is not None), default=1),
        IntType.covering(c_lo, c_hi).bits if c_lo or c_hi else 0,
        max(LEAST_FACTOR_BITS, _signed_bits(np.array([add.m1, add.m2]) for add in adds)),
        _signed_bits(np.array([add.c]) for add in adds),
    )


def _regions(ops: Iterable[Op]) -> Iterable[Region]:
    for op in ops:
        yield op.source
        if op.target is not None:
            yield op.target


def _check(op: Op, lane: int) -> None:
    """Refuse what does not fit lanes or the fields of an instruction."""
    for region in _regions((op,)):
        if region.type.bits > lane:
            raise ShiftloomError(
                op.name,
                f"reads or makes {region.type}, a lane of the memory has {lane} bits",
                f"use activations of at most {lane} bits, or the dataflow dadiannao",
            )
    constants: list[int] = []
    if op.requant is not None:
        _check_clips(op, lane, (op.requant.lo, op.requant.hi, op.requant.zero))
        offset = int(np.abs(op.requant.offset.data).max(initial=0)).bit_length()
        if offset and offset + 1 + op.requant.m_bits > MAX_SCALE_BITS:
            raise ShiftloomError(
                op.name,
                f"requantizes with M and C of {offset + 1 + op.requant.m_bits} bits together, "
                f"the limit is {MAX_SCALE_BITS}",
                WAY_OUT,
            )
    if op.residual is not None:
        add = op.residual.add
        _check_clips(op, lane, (add.lo, add.hi, add.zero))
        constants += [add.m1, add.m2, add.c]
    _check_bits(op, WORD_BITS, constants)


def _check_clips(op: Op, lane: int, constants: Iterable[int]) -> None:
    """Bounds and zero points have two bits more than a lane."""
    _check_bits(op, lane + 2, constants)


def _check_bits(op: Op, bits: int, constants: Iterable[int]) -> None:
    """Refuse a constant that is no two's complement of `bits` bits."""
    limit = 1 << (bits - 1)
    wide = [value for value in constants if not -limit <= value < limit]
    if wide:
        raise ShiftloomError(
            op.name,
            f"has the constant {wide[0]}, the engine holds {bits} bits",
            WAY_OUT,
        )


def _span(arrays: Iterable[npt.NDArray[Any]]) -> tuple[int, int]:
    found = [(int(a.min()), int(a.max())) for a in arrays]
    return min((lo for lo, _ in found), default=0), max((hi for _, hi in found), default=0)


def _signed_bits(arrays: Iterable[npt.NDArray[Any]]) -> int:
    """Bits of two's complement that hold all values; 1 where there are none."""
    return IntType.covering(*_span(arrays)).bits


def weight_fields(steps: Steps, widths: Arithmetic) -> IntArray:
    """Codes, or weights, [steps of all lists, columns, rows]."""
    weights = steps.weights
    if not widths.shift_w:
        return weights.astype(np.int64)
    return Qsq(phi=4).encode(weights).astype(np.int64)


def bias_rows(steps: Steps, widths: Arithmetic) -> IntArray:
    """Initial sums [tiles, columns] of a convolution, with what `sl_shift_product` leaves out."""
    op, lanes = steps.op, steps.lanes
    assert op.bias is not None
    bias = op.bias.data.reshape(-1, lanes.columns).astype(np.int64)
    if widths.shift_w:
        owner = np.repeat(np.arange(len(steps.counts)), steps.counts)
        negative = np.zeros_like(bias)
        np.add.at(negative, owner, (steps.weights < 0).sum(axis=2))
        span = 1 << (widths.x_bits + PRODUCT_BITS)
        terms = np.array(steps.counts)[:, None] * lanes.rows
        bias = bias + (negative - span // 2 * terms if widths.x_signed else negative * (1 - span))
    return wrapped(bias, widths.acc_bits)


def scale_rows(op: Op, lanes: Lanes) -> tuple[IntArray, IntArray]:
    """M and C [tiles, columns] of a convolution, zeros where it emits its sums."""
    assert op.bias is not None
    shape = (-1, lanes.columns)
    if op.requant is None:
        zeros = np.zeros_like(op.bias.data).reshape(shape)
        return zeros, zeros
    return op.requant.m.data.reshape(shape), op.requant.offset.data.reshape(shape)


def scale_words(m: IntArray, c: IntArray, widths: Arithmetic) -> IntArray:
    """Words of fields {C, M} as single bits [rows, columns · (C_BITS + M_BITS)]."""
    parts = [bits_of(m, widths.m_bits), bits_of(c, widths.c_bits)]
    return np.concatenate(parts, axis=-1).reshape(len(m), -1)


def stacked(rows: Sequence[IntArray]) -> IntArray:
    """Rows of several operations, one behind the other."""
    return np.concatenate(rows).astype(np.int64)
