"""Float numbers of a record, in the precision that they have: biases, ranges, centroids."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.coding.fields import Fields
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import Array, FloatArray

_TYPES: dict[int, npt.DTypeLike] = {4: "<f4", 8: "<f8"}
"""By the bytes of a number, the byte in front of them."""


def encode(values: FloatArray) -> bytes:
    """The bytes of a number, then the numbers; raises ShiftloomError on other types than floats."""
    if values.dtype not in (np.float32, np.float64):
        raise ShiftloomError("numbers", f"are {values.dtype}", "use float32 or float64")
    return bytes([values.itemsize]) + _finite(values).astype(_TYPES[values.itemsize]).tobytes()


def decode(fields: Fields, count: int | None = None) -> Array:
    """The numbers that `encode` wrote, `count` or all that are left: a vector."""
    size = fields.integer("B", "bytes of a number")
    if size not in _TYPES:
        raise ShiftloomError("bytes of a number", f"are {size}", "known: 4 and 8")
    data = fields.take(fields.left if count is None else count * size, "numbers")
    if len(data) % size:
        raise ShiftloomError("numbers", f"take {len(data):,} bytes", f"each takes {size}")
    return Array(_finite(np.frombuffer(data, _TYPES[size])).astype(f"f{size}"))


def _finite(values: FloatArray) -> FloatArray:
    wrong = values[~np.isfinite(values)]
    if wrong.size:
        raise ShiftloomError("numbers", f"{wrong.size:,} are not finite, as {wrong.flat[0]}")
    return values
