"""Tables: a function of activations of few bits, evaluated for every integer."""

from __future__ import annotations

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering.operand import Integers, Lattice, Looked
from shiftloom.codegen.qgraph import Table
from shiftloom.codegen.values import Array, IntArray

MAX_TABLE_BITS = 8
"""Widest activation that a table takes."""


def check(node: str, x: Integers) -> None:
    """Refuse activations that a table has no room for."""
    if x.type.bits > MAX_TABLE_BITS:
        raise ShiftloomError(
            node,
            f"a table of {x.type} activations",
            f"tables take at most {MAX_TABLE_BITS} bits; quantize its input to fewer",
        )


def codes(x: Integers) -> IntArray:
    """The integer of every table place: place q mod 2^bits holds q."""
    places = np.arange(1 << x.type.bits)
    return np.where(places > x.type.hi, places - (1 << x.type.bits), places)


def reals(node: str, looked: Looked, channels: int) -> np.ndarray:
    """The real values [2^bits, C] of the function, at integers out of reach the nearest in it."""
    lo, hi = looked.x.bounds()
    q = np.clip(codes(looked.x), lo, hi)
    real = np.asarray([float(looked.x.step * (int(v) - looked.x.origin)) for v in q])
    values = looked.function(np.repeat(real[:, None], channels, axis=1))
    if not np.isfinite(values).all():
        raise ShiftloomError(node, "its function is not finite", "check the model")
    return np.asarray(values, dtype=np.float64)


def table(values: np.ndarray, lattice: Lattice) -> Table:
    """The table of rounded values, one for all channels where they agree."""
    steps = values / float(lattice.scale)
    if lattice.is_sign:
        rounded = (values >= 0).astype(np.int64)
    else:
        with np.errstate(over="ignore"):
            limited = np.clip(np.rint(steps), -(2.0**40), 2.0**40)
        rounded = limited.astype(np.int64) + int(lattice.zero)
    rounded = np.clip(rounded, lattice.lo, lattice.hi)
    if (rounded == rounded[:, :1]).all():
        return Table(Array(rounded[:, 0]))
    return Table(Array(rounded.T))
