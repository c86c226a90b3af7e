"""Codes as bytes: LSB first, without gaps."""

from __future__ import annotations

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.format import Codes


def pack(codes: Codes, bits: int) -> bytes:
    """Codes of `bits` bits, packed LSB first without gaps, zero-padded to whole bytes."""
    expanded = (codes.reshape(-1, 1) >> np.arange(bits, dtype=np.uint16)) & 1
    return np.packbits(expanded.astype(np.uint8), bitorder="little").tobytes()


def unpack(data: bytes, count: int, bits: int) -> Codes:
    """The first `count` codes of `pack`'s bytes; raises ShiftloomError when they are too few."""
    needed = -(-count * bits // 8)
    if len(data) != needed:
        raise ShiftloomError(
            "packed codes", f"{len(data)} bytes", f"{count} codes of {bits} bits take {needed}"
        )
    stream = np.unpackbits(np.frombuffer(data, np.uint8), count=count * bits, bitorder="little")
    weights = np.left_shift(np.uint16(1), np.arange(bits, dtype=np.uint16))
    codes: Codes = (stream.reshape(count, bits) @ weights).astype(np.uint16)
    return codes
