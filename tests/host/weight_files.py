"""A build whose weights can be loaded, files for it, and what the host makes of them."""

from __future__ import annotations

import io
import json
import struct
from functools import cache
from typing import Any
from zlib import crc32

import pytest
import reload_nets as nets

from shiftloom.codegen import loading
from shiftloom.codegen.build import Build
from shiftloom.codegen.coding.build_file import build_bytes
from shiftloom.codegen.reloading import BuildWeights
from shiftloom.host import loading as host
from shiftloom.host.container import DESIGN, HEADER, MAGIC, WeightsError


@cache
def build() -> Build:
    return nets.build()


@cache
def other() -> BuildWeights:
    return nets.other(build())[1]


def accelerator(made: Build) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made.files["host/accelerator.json"])
    return found


def words(made: Build, data: bytes) -> dict[int, list[int]]:
    """By the number of a memory, the words that the host writes there."""
    registers = json.loads(made.files["registers.json"])
    offsets = {word["name"]: word["offset"] for word in registers["registers"]}
    memories = {each.index: each for each in loading.loadable(made.design)}
    found: dict[int, list[int]] = {}
    for offset, value in host.writes(io.BytesIO(data), accelerator(made), registers):
        if offset == offsets["LOAD_ADDRESS"]:
            assert value % (1 << loading.WORD_BITS) == 0
            pieces = found[value >> loading.WORD_BITS] = []
        else:
            assert offset == offsets["LOAD_DATA"]
            pieces.append(value)
    return {
        index: [
            sum(piece << 32 * i for i, piece in enumerate(pieces[at : at + memories[index].pieces]))
            for at in range(0, len(pieces), memories[index].pieces)
        ]
        for index, pieces in found.items()
    }


def refused(data: bytes, made: Build | None = None) -> str:
    """How the host refuses a file."""
    with pytest.raises(WeightsError) as caught:
        host.check(io.BytesIO(data), accelerator(made or build()))
    return str(caught.value)


def crc(data: bytes) -> bytes:
    return data + struct.pack("<I", crc32(data))


def framed(payload: bytes) -> bytes:
    return struct.pack("<I", len(payload)) + crc(payload)


def record(kind: int, name: str, body: bytes) -> bytes:
    return framed(bytes([kind, len(name)]) + name.encode() + body)


def file_of(*records: bytes, magic: bytes = MAGIC, version: int = 1, content: int = 3) -> bytes:
    return crc(HEADER.pack(magic, version, content, len(records))) + b"".join(records)


def digest() -> bytes:
    return record(DESIGN, "design", bytes.fromhex(build().design.digest))


GOOD = build_bytes(other())
