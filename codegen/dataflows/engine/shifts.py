"""One shift for all requantizations of an engine, and one for all its sums of activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from shiftloom.codegen.dataflows.engine.operations import Op, Residual
from shiftloom.codegen.dataflows.engine.rewrite import WAY_OUT
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array

MAX_PRODUCT_BITS = 62
"""Of a sum times M: what 64-bit integers round."""
MAX_FACTOR_BITS = 25
"""Of a factor of an activation, the wide port of a DSP48E1."""


def with_equal_shifts(ops: Sequence[Op]) -> tuple[Op, ...]:
    """The same functions, all with the largest shift: factors and offsets grow by powers of two.

    (x · M + C) / 2^S = (x · 2^d·M + 2^d·C) / 2^(S+d), so hardware needs no shifter. Raises
    ShiftloomError naming the operation whose factors become too wide.
    """
    shift = max((op.requant.shift for op in ops if op.requant), default=0)
    shift2 = max((op.residual.add.shift for op in ops if op.residual), default=0)
    return tuple(_scaled(op, shift, shift2) for op in ops)


def _scaled(op: Op, shift: int, shift2: int) -> Op:
    requant = None if op.requant is None else _requantization(op, op.requant, shift)
    residual = None if op.residual is None else _sum(op, op.residual, shift2)
    return replace(op, requant=requant, residual=residual)


def _requantization(op: Op, function: Requantization, shift: int) -> Requantization:
    more = shift - function.shift
    bits = int(function.m.data.max()).bit_length() + more
    _check(op, "sums times M", op.acc_bits + bits, MAX_PRODUCT_BITS, more)
    m = function.m.data.astype(np.int64) << more
    offset = function.offset.data.astype(np.int64) << more
    return replace(function, m=Array(m), offset=Array(offset), shift=shift, m_bits=max(1, bits))


def _sum(op: Op, residual: Residual, shift: int) -> Residual:
    add = residual.add
    more = shift - add.shift
    bits = max(abs(add.m1), abs(add.m2)).bit_length() + 1 + more
    _check(op, "factors of a sum", bits, MAX_FACTOR_BITS + 1, more)
    m1, m2, c = (value << more for value in (add.m1, add.m2, add.c))
    return replace(residual, add=replace(add, m1=m1, m2=m2, c=c, shift=shift))


def _check(op: Op, what: str, bits: int, limit: int, more: int) -> None:
    if bits > limit:
        raise ShiftloomError(
            op.name,
            f"has {what} of {bits} bits, {more} of them for the shift of all layers of the "
            f"engine; the limit is {limit}",
            WAY_OUT,
        )
