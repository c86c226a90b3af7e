"""Memory words of fields that differ in width."""

from __future__ import annotations

import numpy as np

from shiftloom.codegen.values import IntArray


def bits_of(values: IntArray, width: int) -> IntArray:
    """The low bits of integers [...] as [..., width], the least significant first."""
    bits: IntArray = (values[..., None] >> np.arange(width, dtype=np.int64)) & 1
    return bits
