"""The file of compressed weights: a header and records, each with its CRC-32.

`docs/compressed-files.md` has it byte by byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from zlib import crc32

from shiftloom.codegen.coding.fields import DAMAGED, Fields, reading
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.host import container as host
from shiftloom.host.container import HEADER, MAGIC, VERSION

_FRAME = 8
"""Bytes of a record's size and of its CRC-32."""
MAX_NAME = 255


class Content(IntEnum):
    """What a file holds."""

    FITTED = 1
    SHARED = 2
    BUILD = host.CONTENT


class Kind(IntEnum):
    """What a record says about a node."""

    DESIGN = host.DESIGN
    WEIGHTS = host.WEIGHTS
    BIAS = 2
    RANGE = 3
    SHARED = 4
    INTEGERS = host.INTEGERS
    CONSTANTS = host.CONSTANTS


_SAID = {
    Content.FITTED: "a quantized network",
    Content.SHARED: "a float network of shared weights",
    Content.BUILD: "the weights of a build",
}
KINDS = {
    Content.FITTED: (Kind.WEIGHTS, Kind.BIAS, Kind.RANGE),
    Content.SHARED: (Kind.SHARED, Kind.BIAS),
    Content.BUILD: (Kind.DESIGN, Kind.WEIGHTS, Kind.INTEGERS, Kind.CONSTANTS),
}
"""The records of each content."""


@dataclass(frozen=True, slots=True)
class Record:
    """A node's name, and what `kind` makes of the bytes."""

    kind: Kind
    name: str
    body: bytes


def write(content: Content, records: Iterable[Record]) -> bytes:
    """The bytes of a file; the records in the order of their kinds, then of their names."""
    parts = [_framed(record) for record in sorted(records, key=lambda r: (r.kind, r.name))]
    header = HEADER.pack(MAGIC, VERSION, content, len(parts))
    return b"".join([header, _crc(header), *parts])


def size(record: Record) -> int:
    """The bytes of a record in a file."""
    return len(_framed(record))


def _framed(record: Record) -> bytes:
    name = _checked_name(record.name).encode("ascii")
    payload = struct.pack("<BB", record.kind, len(name)) + name + record.body
    return struct.pack("<I", len(payload)) + payload + _crc(payload)


def _crc(data: bytes) -> bytes:
    return struct.pack("<I", crc32(data))


def _checked_name(name: str) -> str:
    if not (0 < len(name) <= MAX_NAME and name.isascii() and name.isprintable()):
        raise ShiftloomError(
            "name", f"{name[:64]!a}", f"use 1 to {MAX_NAME} printable ASCII characters"
        )
    return name


def content_of(data: bytes, source: str) -> Content:
    """What a file holds, by its header; raises ShiftloomError where that is no file of ours."""
    return _header(Fields(data), source)[0]


@dataclass(frozen=True, slots=True)
class Found:
    """A record as it stands in a file: what it says it is, its bytes, whether its CRC-32 fits."""

    kind: str
    name: str
    bytes: int
    is_whole: bool


def survey(data: bytes, source: str) -> tuple[Found, ...]:
    """The records of a file, damaged ones as well, as far as their sizes lead."""
    fields, found = Fields(data), []
    _, count = _header(fields, source)
    for _ in range(count):
        try:
            payload = fields.take(fields.integer("I", "size"), "record")
            stored = fields.integer("I", "CRC-32")
        except ShiftloomError:
            break
        kinds = {each.value: _said(each) for each in Kind}
        kind = kinds.get(payload[0], "unknown") if payload else "empty"
        name = payload[2 : 2 + payload[1]].decode("ascii", "replace") if len(payload) > 1 else ""
        found.append(Found(kind, name, len(payload) + _FRAME, stored == crc32(payload)))
    return tuple(found)


def read(data: bytes, source: str, expected: Content) -> tuple[Record, ...]:
    """The records of a file of `expected` content, whose bytes are those that were written.

    Raises ShiftloomError naming `source` and the record or the field that does not fit.
    """
    fields = Fields(data)
    found, count = _header(fields, source)
    if found != expected:
        raise ShiftloomError(source, f"holds {_SAID[found]}", f"expected {_SAID[expected]}")
    with reading(source, DAMAGED):
        records = tuple(_records(fields, found, count))
        fields.end()
    return records


def _header(fields: Fields, source: str) -> tuple[Content, int]:
    with reading(source, DAMAGED):
        header = fields.take(HEADER.size, "header")
    magic, version, number, count = HEADER.unpack(header)
    if magic != MAGIC:
        raise ShiftloomError(source, f"begins with {magic!r}", "give a file of shiftloom pack")
    if version != VERSION:
        raise ShiftloomError(
            source, f"has version {version}", f"this program reads version {VERSION}"
        )
    with reading(source, DAMAGED):
        _check_crc(fields, header, "header")
        if number not in list(Content):
            raise ShiftloomError("content", f"is {number}", f"known: {_listed(Content)}")
    return Content(number), count


def _said(value: IntEnum) -> str:
    return value.name.lower()


def _listed(known: Iterable[IntEnum]) -> str:
    return ", ".join(f"{each.value} {_said(each)}" for each in known)


def _records(fields: Fields, content: Content, count: int) -> Iterator[Record]:
    before: tuple[int, str] = (-1, "")
    for number in range(count):
        record = _record(fields, content, f"record {number}")
        if (record.kind, record.name) <= before:
            raise ShiftloomError(record.name, f"kind {_said(record.kind)} is out of order")
        before = record.kind, record.name
        yield record


def _record(fields: Fields, content: Content, place: str) -> Record:
    payload = fields.take(fields.integer("I", place), place)
    _check_crc(fields, payload, place)
    with reading(place):
        inner = Fields(payload)
        kind = inner.integer("B", "kind")
        if kind not in KINDS[content]:
            raise ShiftloomError("kind", f"is {kind}", f"known: {_listed(KINDS[content])}")
        name = inner.take(inner.integer("B", "name"), "name").decode("ascii", "replace")
        return Record(Kind(kind), _checked_name(name), inner.take(inner.left, "body"))


def _check_crc(fields: Fields, data: bytes, place: str) -> None:
    stored, found = fields.integer("I", f"CRC-32 of {place}"), crc32(data)
    if stored != found:
        raise ShiftloomError(place, f"has CRC-32 {found:08x}, {stored:08x} is written behind it")
