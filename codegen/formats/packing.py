"""Codes as bytes: LSB first, without gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError

Word = type[np.uint16 | np.uint64]


def pack(codes: npt.NDArray[np.unsignedinteger], bits: int) -> bytes:
    """Codes of `bits` bits, packed LSB first without gaps, zero-padded to whole bytes."""
    expanded = (codes.reshape(-1, 1) >> np.arange(bits, dtype=codes.dtype)) & 1
    return np.packbits(expanded.astype(np.uint8), bitorder="little").tobytes()


def unpack(data: bytes, count: int, bits: int, word: Word = np.uint16) -> npt.NDArray[Any]:
    """The `count` codes of `pack`'s bytes; raises ShiftloomError when these are more or fewer."""
    needed = -(-count * bits // 8)
    if len(data) != needed:
        raise ShiftloomError(
            "packed codes", f"{len(data)} bytes", f"{count} codes of {bits} bits take {needed}"
        )
    stream = np.unpackbits(np.frombuffer(data, np.uint8), count=count * bits, bitorder="little")
    weights = np.left_shift(word(1), np.arange(bits, dtype=word))
    return (stream.reshape(count, bits) @ weights).astype(word)
