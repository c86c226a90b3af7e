"""The bodies of records: codes of weights, packed or in a Huffman code, and integers."""

from __future__ import annotations

import json
import math
import struct
from itertools import accumulate, repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.host.container import (
    EXPONENTS,
    MANTISSA_BITS,
    MAX_BITS,
    MAX_LENGTH,
    MAX_ZEROS,
    WeightsError,
)

_LEVELS = {1: (0, 1, -1), 2: (0, 1, 2, -1, -2), 4: (0, 1, 2, 4, -1, -2, -4)}
_TABLES = {
    json.dumps(
        {"name": "qsq", "phi": phi, "vector": None, "axis": "output"}, separators=(",", ":")
    ).encode(): np.array(levels)
    for phi, levels in _LEVELS.items()
}
"""By the format, the weight of each code; all have one α an output channel."""


class Fields:
    """A position in the body of a record."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int, field: str) -> bytes:
        """The next `size` bytes; raises WeightsError naming `field` where they are too few."""
        left = len(self._data) - self._at
        if size > left:
            raise WeightsError(f"{field}: takes {size} bytes, {left} are left")
        self._at += size
        return self._data[self._at - size : self._at]

    def integer(self, layout: str, field: str) -> int:
        """The next integer, of a `struct` layout."""
        (value,) = struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}"), field))
        return int(value)

    def end(self) -> None:
        """Refuse bytes behind the last field."""
        if self._at != len(self._data):
            raise WeightsError(f"{len(self._data) - self._at} bytes follow the last field")


def weights(body: bytes) -> npt.NDArray[np.int64]:
    """The weights of a record [C_out, KH, KW, C_in], which are 0 or plus or minus 1, 2 or 4.

    Raises WeightsError naming the field that does not fit.
    """
    fields = Fields(body)
    text = fields.take(fields.integer("B", "format"), "format")
    if text not in _TABLES:
        raise WeightsError(f"format: {text[:64]!r} is none that is loaded")
    table = _TABLES[text]
    shape = tuple(fields.integer("I", "shape") for _ in range(4))
    if not 0 < math.prod(shape) <= 8 * len(body):
        raise WeightsError(f"shape: {list(shape)} has no room in {len(body)} bytes")
    _check_alpha(fields, shape[0])
    codes = _symbols(fields, math.prod(shape), len(table).bit_length())
    fields.end()
    if int(codes.max()) >= len(table):
        raise WeightsError(f"code {int(codes.max())} is unused, the last one is {len(table) - 1}")
    return table[codes].reshape(shape)


def _check_alpha(fields: Fields, channels: int) -> None:
    """Refuse an α that is none; where it is one, it is in the multipliers."""
    exponent, width = fields.integer("h", "exponent"), fields.integer("B", "bits of α")
    if exponent not in EXPONENTS or not 0 < width <= MANTISSA_BITS:
        raise WeightsError(f"α: of {width} bits times 2^{exponent}")
    mantissas = unpacked(fields.take(-(-channels * width // 8), "α"), channels, width)
    if not mantissas.all():
        raise WeightsError("α: is 0 for a channel")


def integers(fields: Fields) -> npt.NDArray[np.int64]:
    """A count, a width, and packed numbers in two's complement."""
    count, width = fields.integer("I", "count"), fields.integer("B", "bits of an integer")
    if width > MAX_BITS or (width == 0 and count > MAX_ZEROS):
        raise WeightsError(f"integers: {count} of {width} bits")
    numbers = unpacked(fields.take(-(-count * width // 8), "integers"), count, width)
    half = 1 << width >> 1
    return (numbers ^ half) - half


def unpacked(data: bytes, count: int, width: int) -> npt.NDArray[np.int64]:
    """Numbers of `width` bits, one behind the other, the low bit first."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=count * width, bitorder="little")
    weights = np.left_shift(np.int64(1), np.arange(width, dtype=np.int64))
    numbers: npt.NDArray[np.int64] = bits.reshape(count, width).astype(np.int64) @ weights
    return numbers


def _symbols(fields: Fields, count: int, width: int) -> npt.NDArray[np.int64]:
    """The codes of a layer, packed or in their Huffman code."""
    method = fields.integer("B", "method")
    if method not in (0, 1):
        raise WeightsError(f"method: {method} is unknown")
    lengths = _lengths(fields, width) if method else None
    data = fields.take(fields.integer("I", "size"), "codes")
    if lengths is not None:
        return _decoded(data, lengths, count)
    if len(data) != -(-count * width // 8):
        raise WeightsError(f"codes: {count} of {width} bits are not {len(data)} bytes")
    return unpacked(data, count, width)


def _lengths(fields: Fields, width: int) -> npt.NDArray[np.int64]:
    size = fields.integer("H", "largest code") + 1
    if size > 1 << width:
        raise WeightsError(f"largest code: {size - 1} has more than {width} bits")
    return unpacked(fields.take(-(-size // 2), "code lengths"), size, 4)


def _decoded(data: bytes, lengths: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """`count` symbols of canonical words, first bit first, zeros up to a whole byte."""
    used = np.flatnonzero(lengths)
    order = used[np.argsort(lengths[used], kind="stable")]
    spans = np.left_shift(1, MAX_LENGTH - lengths[order])
    total, whole = int(spans.sum()), 1 << MAX_LENGTH
    if total != whole and not (len(used) == 1 and total == whole // 2):
        raise WeightsError("code lengths: make no code")
    bits = 8 * len(data)
    if count > bits:
        raise WeightsError(f"codes: {count} in {len(data)} bytes")
    table, steps = np.zeros(whole, np.int64), np.zeros(whole, np.uint8)
    table[:total], steps[:total] = np.repeat(order, spans), np.repeat(lengths[order], spans)
    windows = _windows(data)
    step = steps[windows[:bits]].tobytes() + bytes(MAX_LENGTH)
    walk: Any = accumulate(repeat(0, count), lambda place, _: place + step[place], initial=0)
    places = np.fromiter(walk, dtype=np.int64, count=count + 1)
    end = int(places[-1])
    is_whole = bits - 8 < end <= bits and not windows[end] >> (MAX_LENGTH - (bits - end))
    if step[places[-2]] == 0 or not is_whole:
        raise WeightsError(f"codes: {count} words end at bit {end} of {bits}")
    symbols: npt.NDArray[np.int64] = table[windows[places[:-1]]]
    return symbols


def _windows(data: bytes) -> npt.NDArray[np.int64]:
    """The 15 bits that begin at each bit, and at the end."""
    padded = np.frombuffer(data + bytes(3), np.uint8).astype(np.int64)
    triples = padded[:-2] << 16 | padded[1:-1] << 8 | padded[2:]
    shifts = np.arange(9, 1, -1)
    windows: npt.NDArray[np.int64] = (triples[:, None] >> shifts) & ((1 << MAX_LENGTH) - 1)
    return windows.reshape(-1)
