"""Symbols of a few bits as bytes: packed, or in their Huffman code where that is shorter."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.coding import huffman
from shiftloom.codegen.coding.fields import Fields
from shiftloom.codegen.coding.huffman import Lengths
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.format import Codes
from shiftloom.codegen.formats.packing import pack, unpack
from shiftloom.codegen.values import IntArray
from shiftloom.host.container import MAX_LENGTH

PACKED, HUFFMAN = 0, 1
"""How symbols are written."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Bits of a stream of symbols by each way to write it, and of the code lengths Huffman adds.

    `huffman` is None where the symbols are too many for a code, or none.
    """

    packed: int
    huffman: int | None
    table: int
    entropy: float

    @property
    def words(self) -> int:
        """Bits of the symbols alone, in their Huffman code unless packed ones are fewer."""
        return self.packed if self.huffman is None else min(self.packed, self.huffman)

    @property
    def method(self) -> int:
        """The shorter way, in bytes."""
        return PACKED if self.bytes == -(-self.packed // 8) else HUFFMAN

    @property
    def bytes(self) -> int:
        """Those of the shorter way, with the code lengths."""
        packed = -(-self.packed // 8)
        if self.huffman is None:
            return packed
        return min(packed, 2 + -(-self.table // 8) + -(-self.huffman // 8))


def measure(symbols: Codes, bits: int) -> Measure:
    """What the symbols take."""
    seen = np.bincount(symbols.reshape(-1))
    lengths = _code(seen)
    words = None if lengths is None else int(seen @ lengths)
    return Measure(symbols.size * bits, words, 4 * len(seen), huffman.entropy_bits(seen))


def _code(seen: IntArray) -> Lengths | None:
    if 0 < np.count_nonzero(seen) <= 1 << MAX_LENGTH:
        return huffman.code_lengths(seen)
    return None


def encode(symbols: Codes, bits: int) -> bytes:
    """The method, the code lengths of a Huffman code, the size of what follows, the symbols."""
    flat = symbols.reshape(-1)
    if measure(flat, bits).method == PACKED:
        return bytes([PACKED]) + _sized(pack(flat, bits))
    lengths = huffman.code_lengths(np.bincount(flat))
    return bytes([HUFFMAN]) + _table(lengths) + _sized(huffman.encode(flat, lengths))


def decode(fields: Fields, count: int, bits: int) -> Codes:
    """The `count` symbols that `encode` wrote; raises ShiftloomError where they are others."""
    method = fields.integer("B", "method")
    if method == PACKED:
        return unpack(_payload(fields), count, bits)
    if method != HUFFMAN:
        raise ShiftloomError("method", f"is {method}", f"known: {PACKED} packed, {HUFFMAN} Huffman")
    lengths = _lengths(fields, bits)
    return huffman.decode(_payload(fields), lengths, count)


def _sized(payload: bytes) -> bytes:
    return struct.pack("<I", len(payload)) + payload


def _payload(fields: Fields) -> bytes:
    return fields.take(fields.integer("I", "size"), "symbols")


def _table(lengths: Lengths) -> bytes:
    """The largest symbol, which has a word, and half a byte for the length of each up to it."""
    return struct.pack("<H", len(lengths) - 1) + pack(lengths.astype(np.uint16), 4)


def _lengths(fields: Fields, bits: int) -> Lengths:
    size = fields.integer("H", "largest symbol") + 1
    if size > 1 << bits:
        raise ShiftloomError("largest symbol", f"is {size - 1:,}", f"{bits} bits hold no such")
    return unpack(fields.take(-(-size // 2), "code lengths"), size, 4).astype(np.uint8)
