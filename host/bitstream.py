"""Checks of an overlay: the header of a bitstream, its length and part, and the cores of its .hwh.

A .bit of AMD's tools is a preamble, then the fields a (design), b (part), c (date) and d (time),
each a byte, two bytes of length and a text that ends with a zero byte, then e, four bytes of
length, and the configuration words. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from shiftloom.host.errors import shown

MAX_BIT = 1 << 28
"""Bytes of the largest bitstream."""
MAX_HWH = 1 << 26
"""Bytes of the largest .hwh."""
PREAMBLE = b"\x00\x09" + b"\x0f\xf0" * 4 + b"\x00\x00\x01"
SYNC = b"\xaa\x99\x55\x66"
"""The word with which configuration begins..."""
_SYNC_WITHIN = 4096
"""... within so many bytes of padding."""
IGNORED = SYNC + bytes.fromhex("30008001" + "0000000d" + "20000000" * 2)
"""Configuration that ends at once, by DESYNC: a real FPGA ignores all that comes behind it."""
ACCELERATOR = "accelerator"
"""Name of the core in the block design."""
_MODULE = ["MODULES", "MODULE"]
"""Where a core is, below the root of a .hwh."""
_DEVICE = re.compile(r"(?:xc)?(7[a-z]\d+[a-z]+\d+|[a-z]+\d+[a-z]*-[a-z]+\d+)")


class BitstreamError(ValueError):
    """An overlay that is refused: damaged, or for another part."""


class Bitstream(NamedTuple):
    """What the header of a bitstream says; `size` counts the bytes of the configuration."""

    design: str
    part: str
    date: str
    time: str
    size: int


def parse(data: bytes) -> Bitstream:
    """The header of the bytes of a .bit; raises BitstreamError where they are not a whole one."""
    if not data.startswith(PREAMBLE):
        raise BitstreamError(f"begins with {data[:8]!r}: no .bit file of AMD's tools")
    at, texts = len(PREAMBLE), []
    for key in "abcd":
        body, at = _field(data, at, key)
        if not body.endswith(b"\0"):
            raise BitstreamError(f"field {key} of its header is not ended by a zero byte")
        texts.append(body[:-1].decode("ascii", "replace"))
    left = len(data) - at - 5
    if left < 0 or data[at : at + 1] != b"e":
        raise BitstreamError("field e of its header is missing: the file is cut short or damaged")
    size = int.from_bytes(data[at + 1 : at + 5], "big")
    if size != left:
        raise BitstreamError(f"holds {left} bytes of configuration, its header says {size}")
    if SYNC not in data[at + 5 : at + 5 + _SYNC_WITHIN]:
        raise BitstreamError(f"has no sync word in its first {_SYNC_WITHIN} bytes")
    design, part, date, time = texts
    return Bitstream(design, part, date, time, size)


def _field(data: bytes, at: int, key: str) -> tuple[bytes, int]:
    """The body of the field `key` at byte `at`, and where the next one begins."""
    start = at + 3
    end = start + int.from_bytes(data[at + 1 : start], "big")
    if data[at : at + 1] != key.encode() or end > len(data):
        raise BitstreamError(
            f"field {key} of its header is missing: the file is cut short or damaged"
        )
    return data[start:end], end


def device(part: str) -> str:
    """Device and package of a part, without vendor's prefix, speed grade and temperature.

    `xc7z020clg400-1` and `7z020clg400` are both `7z020clg400`; a text of another kind stays.
    """
    match = _DEVICE.match(part.lower())
    return match[1] if match else part.lower()


def check_part(found: str, expected: str) -> None:
    """Refuse a bitstream of another part; speed and temperature grades may differ."""
    if device(found) != device(expected):
        raise BitstreamError(f"is for the part {shown(found)}, the board has {expected}")


def check_hwh(data: bytes) -> None:
    """Refuse what is no well-formed XML, or lists no accelerator among its cores.

    A document type is refused, too: entities are not expanded.
    """
    names = _cores(data)
    if not names:
        raise BitstreamError("lists no cores: it is no .hwh of a block design")
    if f"/{ACCELERATOR}" not in names:
        found = shown(", ".join(names))
        raise BitstreamError(f"has no core '/{ACCELERATOR}', but {found}; give the core this name")


def _cores(data: bytes) -> list[str]:
    """The full names of the modules that a .hwh lists."""
    path: list[str] = []
    names: list[str] = []

    def enter(name: str, attributes: dict[str, str]) -> None:
        path.append(name)
        if len(path) == len(_MODULE) + 1 and path[1:] == _MODULE:
            names.append(attributes.get("FULLNAME", ""))

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = enter
    parser.EndElementHandler = lambda _: path.pop()
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise BitstreamError(f"is no well-formed XML: {error}") from error
    return names


def _refuse_doctype(*_: object) -> None:
    raise BitstreamError("declares a document type, which a .hwh has not")


def check_files(bit: Path, hwh: Path, part: str) -> Bitstream:
    """The header of the overlay in two files, checked for the part of the board.

    Raises BitstreamError that begins with the name of the file at fault.
    """
    with _of(bit):
        found = parse(_read(bit, MAX_BIT))
        check_part(found.part, part)
    with _of(hwh):
        check_hwh(_read(hwh, MAX_HWH))
    return found


@contextmanager
def _of(path: Path) -> Iterator[None]:
    """Refusals of the block as those of a file."""
    try:
        yield
    except BitstreamError as error:
        raise BitstreamError(f"{path.name}: {error}") from error


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise BitstreamError(f"cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise BitstreamError(f"is larger than {limit} bytes")
    return data
