"""The file of a build's weights, record by record: no more of it is in memory than one record.

`docs/compressed-files.md` has the bytes. Standard library only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from zlib import crc32

from shiftloom.host.errors import AcceleratorError

MAGIC = b"\x89SLW\r\n\x1a\n"
VERSION = 1
CONTENT = 3
DESIGN, WEIGHTS, INTEGERS, CONSTANTS = 0, 1, 5, 6
"""Kinds of records, in the order of the file."""
DESIGN_NAME = "design"
"""Name of the record with the digest."""
MAX_LENGTH = 15
"""Bits of the longest word of a Huffman code: a length fits half a byte, all words a table."""
MAX_BITS = 63
"""Of an integer."""
MAX_ZEROS = 1 << 20
"""Of integers without bits, which take no room in the file."""
EXPONENTS = range(-1022, 962)
"""Of α: times a mantissa of 62 bits it is a normal float64."""
MANTISSA_BITS = 62
HEADER = struct.Struct("<8sHHI")
"""Magic, version, content, number of records; the CRC-32 of these follows."""


class WeightsError(AcceleratorError, ValueError):
    """A file that is refused: damaged, of another version, or for another build."""


@dataclass(frozen=True)
class Record:
    """A node's name, and what `kind` makes of the bytes."""

    kind: int
    name: str
    body: bytes


def records(file: BinaryIO) -> Iterator[Record]:
    """The records from the start of a file on; raises WeightsError where one is not as written.

    They ascend by kind, then by name. A size beyond the end of the file is refused before anything
    of it is read.
    """
    left = _size(file)
    header = _take(file, left, HEADER.size, "header")
    magic, version, content, count = HEADER.unpack(header)
    if magic != MAGIC:
        raise WeightsError(f"begins with {magic!r}: no file of shiftloom pack")
    if version != VERSION:
        raise WeightsError(f"has version {version}, this program reads version {VERSION}")
    left -= len(header) + _check(file, left - len(header), header, "header")
    if content != CONTENT:
        raise WeightsError(f"has content {content}, the weights of a build have {CONTENT}")
    before = (-1, "")
    for number in range(count):
        place = f"record {number}"
        (size,) = struct.unpack("<I", _take(file, left, 4, place))
        payload = _take(file, left - 4, size, place)
        left -= 4 + size + _check(file, left - 4 - size, payload, place)
        record = _record(payload, place)
        if (record.kind, record.name) <= before:
            raise WeightsError(f"{place}: kind {record.kind} of {record.name} is out of order")
        before = (record.kind, record.name)
        yield record
    if left:
        raise WeightsError(f"{left} bytes follow the last record")


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size


def _take(file: BinaryIO, left: int, size: int, place: str) -> bytes:
    data = file.read(size) if size <= left else b""
    if len(data) != size:
        raise WeightsError(f"{place}: takes {size} bytes, {max(left, 0)} are left")
    return data


def _check(file: BinaryIO, left: int, data: bytes, place: str) -> int:
    """Compare the CRC-32 behind `data`; the bytes that it takes."""
    (stored,) = struct.unpack("<I", _take(file, left, 4, f"CRC-32 of {place}"))
    if stored != crc32(data):
        raise WeightsError(f"{place}: has CRC-32 {crc32(data):08x}, {stored:08x} is written")
    return 4


def _record(payload: bytes, place: str) -> Record:
    if len(payload) < 2 or len(payload) < 2 + payload[1]:
        raise WeightsError(f"{place}: {len(payload)} bytes hold no name")
    kind, end = payload[0], 2 + payload[1]
    if kind not in (DESIGN, WEIGHTS, INTEGERS, CONSTANTS):
        raise WeightsError(f"{place}: kind {kind} is unknown")
    return Record(kind, payload[2:end].decode("ascii", "replace"), payload[end:])
