"""Signed integers of a record, in as few bits as the widest takes: biases, multipliers."""

from __future__ import annotations

import struct

import numpy as np

from shiftloom.codegen.coding.fields import Fields
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.packing import pack, unpack
from shiftloom.codegen.values import Array, IntArray, IntType
from shiftloom.host.container import MAX_BITS, MAX_ZEROS


def encode(values: IntArray) -> bytes:
    """How many, their width, and the numbers packed in two's complement; no bits where all are 0.

    Raises ShiftloomError where a number has more bits than a record holds.
    """
    width = IntType.covering(int(values.min()), int(values.max())).bits if values.any() else 0
    if width > MAX_BITS:
        raise ShiftloomError("integers", f"of {width} bits", f"use at most {MAX_BITS}")
    fields = (values & ((1 << width) - 1)).astype(np.uint64)
    return struct.pack("<IB", len(values), width) + pack(fields, width)


def decode(fields: Fields) -> Array:
    """The numbers that `encode` wrote, a vector of int64, none for a count of 0.

    Memory is bounded by the size of the record, whatever count it names.
    """
    count, width = fields.integer("I", "count"), fields.integer("B", "bits of an integer")
    if width > MAX_BITS:
        raise ShiftloomError("bits of an integer", f"are {width}", f"0 to {MAX_BITS} are possible")
    if width == 0 and count > MAX_ZEROS:
        raise ShiftloomError("count", f"{count:,} zeros", f"a layer has at most {MAX_ZEROS:,}")
    packed = fields.take(-(-count * width // 8), "integers")
    numbers = unpack(packed, count, width, np.uint64).astype(np.int64)
    half = 1 << width >> 1
    return Array((numbers ^ half) - half)
