"""Files that are no weights of a build, and bytes of all kinds, are refused."""

from __future__ import annotations

import struct
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from weight_files import GOOD, build, crc, file_of, framed, other, record, refused, words

from shiftloom.codegen import reloading
from shiftloom.codegen.coding.build_file import build_bytes, read_build
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.reloading import BuildWeights
from shiftloom.host.container import DESIGN, HEADER, INTEGERS, WEIGHTS, WeightsError

SETTINGS = settings(derandomize=True, deadline=None, database=None, max_examples=300)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "header: takes 16 bytes, 0 are left"),
        (GOOD[:15], "header: takes 16 bytes, 15 are left"),
        (GOOD[:18], "CRC-32 of header: takes 4 bytes, 2 are left"),
        (file_of(magic=b"PK" * 4), "begins with b'PKPKPKPK': no file of shiftloom pack"),
        (file_of(version=2), "has version 2, this program reads version 1"),
        (file_of(content=1), "has content 1, the weights of a build have 3"),
        (
            GOOD[:12] + b"\x7f" + GOOD[13:],
            f"header: has CRC-32 {crc32(GOOD[:12] + bytes([127]) + GOOD[13:16]):08x}, "
            f"{crc32(GOOD[:16]):08x} is written",
        ),
        (GOOD + b"\0", "1 bytes follow the last record"),
        (
            file_of(struct.pack("<I", 1 << 31)),
            f"record 0: takes {1 << 31} bytes, 0 are left",
        ),
        (file_of(struct.pack("<I", 1) + crc(b"\0")), "record 0: 1 bytes hold no name"),
        (file_of(record(2, "x", b"")), "record 0: kind 2 is unknown"),
        (
            file_of(*[record(DESIGN, "design", bytes.fromhex(other().digest))] * 2),
            "record 1: kind 0 of design is out of order",
        ),
        (file_of(record(WEIGHTS, "design", b"")), "design: cannot be loaded in this build"),
        (
            file_of(record(DESIGN, "designs", bytes(32))),
            "designs: cannot be loaded in this build",
        ),
        (file_of(record(INTEGERS, "conv", b"")), "conv: has biases and no codes"),
        (file_of(), "design: is missing, all weights are loaded together"),
        (
            file_of(record(DESIGN, "design", b"")),
            f"design: is for the build , this is {other().digest[:16]}",
        ),
    ],
)
def test_refuses_other_files(data: bytes, message: str) -> None:
    assert refused(data) == message


@st.composite
def damaged(draw: Any) -> bytes:
    """A good file with bytes changed, cut off, left out, or spliced in from elsewhere in it."""
    data = bytearray(GOOD)
    place = st.integers(0, len(GOOD))
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted((draw(place), draw(place)))
        how = draw(st.sampled_from(("flip", "cut", "drop", "splice")))
        if how == "flip" and start < len(data):
            data[start] ^= draw(st.integers(1, 255))
        elif how == "cut":
            del data[start:]
        elif how == "drop":
            del data[start : min(end, start + 40)]
        elif how == "splice":
            data[start:start] = GOOD[end : end + 40]
    return bytes(data)


def payloads() -> list[bytes]:
    """What the good file has in its records."""
    at, found = HEADER.size + 4, []
    while at < len(GOOD):
        (size,) = struct.unpack_from("<I", GOOD, at)
        found.append(GOOD[at + 4 : at + 4 + size])
        at += size + 8
    return found


PAYLOADS = payloads()


@st.composite
def forged(draw: Any) -> bytes:
    """A good file with bytes of one record changed, most near its head, whose CRC is right."""
    made, number = list(PAYLOADS), draw(st.integers(0, len(PAYLOADS) - 1))
    payload = bytearray(made[number])
    last = len(payload) - 1
    place = st.one_of(st.integers(0, min(last, 90)), st.integers(0, last))
    for _ in range(draw(st.integers(1, 4))):
        payload[draw(place)] = draw(st.integers(0, 255))
    made[number] = bytes(payload)
    return file_of(*map(framed, made))


def head(payload: bytes) -> bytes:
    """The kind and the name of a record."""
    return payload[: 2 + payload[1]]


@st.composite
def rearranged(draw: Any) -> bytes:
    """The records of a good file, some left out, twice, swapped, or under another's name."""
    made = list(PAYLOADS)
    number = st.integers(0, len(PAYLOADS) - 2)
    for _ in range(draw(st.integers(1, 2))):
        how, at = draw(st.sampled_from(("drop", "twice", "swap", "name"))), draw(number)
        at = min(at, len(made) - 2)
        if how == "drop":
            del made[at]
        elif how == "twice":
            made.insert(at, made[at])
        elif how == "swap":
            made[at], made[at + 1] = made[at + 1], made[at]
        else:
            made[at] = head(draw(st.sampled_from(PAYLOADS))) + made[at].removeprefix(head(made[at]))
    return file_of(*map(framed, made))


def by_compiler(data: bytes) -> BuildWeights | None:
    """The weights that the compiler takes into the network of the build, None where it refuses."""
    try:
        read = read_build(data, "w.slw")
        reloading.loaded(build().quantized.qgraph, read)
    except ShiftloomError:
        return None
    return read if read.digest == build().design.digest else None


def by_host(data: bytes) -> dict[int, list[int]] | None:
    """The words of all memories, None where the host refuses."""
    try:
        return words(build(), data)
    except WeightsError:
        return None


@SETTINGS
@given(damaged())
def test_damaged_files_are_refused_or_equal(data: bytes) -> None:
    read, wrote = by_compiler(data), by_host(data)
    assert (read is None) == (wrote is None)
    assert read in (None, other())
    assert wrote in (None, words(build(), GOOD))


@SETTINGS
@given(st.one_of(forged(), rearranged()))
def test_compiler_and_host_refuse_the_same_files_and_read_the_same(data: bytes) -> None:
    read, wrote = by_compiler(data), by_host(data)
    assert (read is None) == (wrote is None)
    if read is not None:
        assert wrote == words(build(), build_bytes(read))
