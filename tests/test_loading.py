"""The host's side of loading: the very words of the build, and nothing of a file that is wrong."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import reload_nets as nets
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftloom.codegen import loading, reloading
from shiftloom.codegen.build import Build
from shiftloom.codegen.coding.build_file import build_bytes, read_build
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.reloading import BuildWeights
from shiftloom.codegen.values import Array
from shiftloom.host import loading as host
from shiftloom.host.container import WeightsError

SETTINGS = settings(derandomize=True, deadline=None, database=None, max_examples=300)


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


@pytest.mark.parametrize(
    "made", [nets.build(), nets.build(phi=1), nets.build(requant_dsp=True)], ids=("4", "1", "dsp")
)
def test_its_own_file_gives_the_first_words_of_every_memory(made: Build) -> None:
    own = reloading.weights_of(made.quantized.qgraph, made.design.digest)
    expected = {
        each.index: [int(word, 16) for word in each.rom.words()]
        for each in loading.loadable(made.design)
    }
    assert words(made, build_bytes(own)) == expected
    assert len(expected) == 9


def test_other_weights_give_other_words() -> None:
    own = reloading.weights_of(build().quantized.qgraph, build().design.digest)
    assert words(build(), build_bytes(own)) != words(build(), build_bytes(other()))


def test_the_file_comes_back_in_every_bit() -> None:
    data = build_bytes(other())
    assert read_build(data, "w.slw") == other()
    assert build_bytes(read_build(data, "w.slw")) == data


# ---------------------------------------------------------------- refused


def refused(data: bytes, made: Build | None = None) -> str:
    """How the host refuses a file."""
    with pytest.raises(WeightsError) as caught:
        host.check(io.BytesIO(data), accelerator(made or build()))
    return str(caught.value)


def changed(name: str, **values: Any) -> bytes:
    """The file with other values of a layer or of a requantization."""
    made = other()
    if name in made.layers:
        layers = {**made.layers, name: replace(made.layers[name], **values)}
        return build_bytes(replace(made, layers=layers))
    constants = {**made.constants, name: replace(made.constants[name], **values)}
    return build_bytes(replace(made, constants=constants))


def test_refuses_other_builds_and_layers() -> None:
    made = other()
    digest = "00" * 32
    assert refused(build_bytes(replace(made, digest=digest))) == (
        f"design: is for the build {digest[:16]}, this is {made.digest[:16]}"
    )
    few = {name: layer for name, layer in made.layers.items() if name != "dw"}
    assert refused(build_bytes(replace(made, layers=few))) == (
        "dw: is missing, all weights are loaded together"
    )
    more = {**made.layers, "fd": made.layers["fc"]}
    assert refused(build_bytes(replace(made, layers=more))) == "fd: cannot be loaded in this build"
    assert refused(build_bytes(made), nets.build(weights="rom")) == (
        "the accelerator has no weights to load"
    )


def test_refuses_what_the_build_does_not_hold() -> None:
    codes = other().layers["fc"].codes
    low, high = reloading.bias_range(build().quantized.qgraph, build().quantized.qgraph.nodes[0])
    four = np.array([0, high + 1, 0, 0])
    assert refused(changed("conv", bias=Array(four))) == (
        f"conv: biases of 0 to {high + 1}, the build holds {low} to {high}"
    )
    assert refused(changed("conv", bias=Array(four[:3] * 0))) == ("conv: 3 biases, the build has 4")
    assert refused(changed("conv", codes=codes)) == (
        "conv: shape [4, 1, 1, 36], the build has [4, 3, 3, 1]"
    )
    m = Array(np.array([1, 1024, 1, 1]))
    assert refused(changed("fc_requant", m=m)) == (
        "fc_requant: multipliers of 1 to 1024, the build holds 1 to 1023"
    )
    one = Array(np.array([0, 0, 1, 0]))
    assert refused(changed("fc_requant", offset=one)) == (
        "fc_requant: offsets of 0 to 1, the build holds 0 to 0"
    )
    assert refused(changed("fc_requant", shift=3)) == "fc_requant: shift 3, the build has 0"


def test_refuses_larger_codes_than_those_of_the_build() -> None:
    small = nets.build(phi=1)
    digest = small.design.digest
    own = reloading.weights_of(small.quantized.qgraph, digest)
    data = build_bytes(replace(own, layers=other().layers))
    assert refused(data, small) == "conv: codes up to 4, the build holds those up to 1"


HEADER = struct.Struct("<8sHHI")
DESIGN, WEIGHTS, INTEGERS = 0, 1, 5
MAGIC = b"\x89SLW\r\n\x1a\n"


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


FORMAT = b'{"name":"qsq","phi":4,"vector":null,"axis":"output"}'
PACKED = struct.pack("<BI", 0, 14) + bytes(14)


def body(
    text: bytes = FORMAT,
    shape: tuple[int, ...] = (4, 3, 3, 1),
    alpha: bytes = struct.pack("<hB", -4, 2) + b"\x55",
    codes: bytes = PACKED,
) -> bytes:
    """The weights of layer conv, all 0 as they are."""
    return bytes([len(text)]) + text + struct.pack("<4I", *shape) + alpha + codes


def huffman(lengths: bytes, data: bytes, largest: int = 1) -> bytes:
    return struct.pack("<BH", 1, largest) + lengths + struct.pack("<I", len(data)) + data


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (b"", "format: takes 1 bytes, 0 are left"),
        (
            body(FORMAT.replace(b"4", b"8")),
            f"format: {FORMAT.replace(b'4', b'8')!r} is none that is loaded",
        ),
        (
            body(shape=(1 << 31,) * 4),
            f"shape: {[1 << 31] * 4} has no room in {len(body())} bytes",
        ),
        (body(alpha=struct.pack("<hB", 0, 62)), "α: takes 31 bytes, 19 are left"),
        (body(alpha=struct.pack("<hB", 0, 63)), "α: of 63 bits times 2^0"),
        (body(alpha=struct.pack("<hB", 962, 2)), "α: of 2 bits times 2^962"),
        (body(alpha=struct.pack("<hB", 0, 2) + b"\x54"), "α: is 0 for a channel"),
        (body(codes=b"\2"), "method: 2 is unknown"),
        (
            body(codes=struct.pack("<BI", 0, 13) + bytes(13)),
            "codes: 36 of 3 bits are not 13 bytes",
        ),
        (
            body(codes=struct.pack("<BI", 0, 14) + b"\7" + bytes(13)),
            "code 7 is unused, the last one is 6",
        ),
        (body(codes=struct.pack("<BH", 1, 8)), "largest code: 8 has more than 3 bits"),
        (body(codes=huffman(b"\x21", b"")), "code lengths: make no code"),
        (body(codes=huffman(b"\x11", bytes(4))), "codes: 36 in 4 bytes"),
        (body(codes=huffman(b"\x11", bytes(6))), "codes: 36 words end at bit 36 of 48"),
        (body(codes=huffman(b"\x11", bytes(4) + b"\1")), "codes: 36 words end at bit 36 of 40"),
        (body(codes=huffman(b"\x01", b"\xff" * 5)), "codes: 36 words end at bit 0 of 40"),
        (body() + b"\0", "1 bytes follow the last field"),
    ],
)
def test_refuses_damaged_weights(made: bytes, message: str) -> None:
    assert refused(file_of(digest(), record(WEIGHTS, "conv", made))) == f"conv: {message}"


@pytest.mark.parametrize("codes", [PACKED, huffman(b"\x11", bytes(5)), huffman(b"\x01", bytes(5))])
def test_takes_all_ways_to_write_zeros(codes: bytes) -> None:
    message = refused(file_of(digest(), record(WEIGHTS, "conv", body(codes=codes))))
    assert message == "dw: is missing, all weights are loaded together"


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (struct.pack("<IB", 4, 64) + bytes(32), "integers: 4 of 64 bits"),
        (struct.pack("<IB", 1 << 31, 0), f"integers: {1 << 31} of 0 bits"),
        (struct.pack("<IB", 4, 8) + bytes(3), "integers: takes 4 bytes, 3 are left"),
        (struct.pack("<IB", 4, 8) + bytes(5), "1 bytes follow the last field"),
    ],
)
def test_refuses_damaged_integers(made: bytes, message: str) -> None:
    records = digest(), record(WEIGHTS, "conv", body()), record(INTEGERS, "conv", made)
    assert refused(file_of(*records)) == f"conv: {message}"


# ---------------------------------------------------------------- any bytes


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


# ---------------------------------------------------------------- over a bus


class FakeBus:
    """Registers that only remember what is written, and how they answer."""

    def __init__(self, made: Build, held: bool = True, refuses: bool = False) -> None:
        described = json.loads(made.files["registers.json"])
        self.names = {word["offset"]: word["name"] for word in described["registers"]}
        low, high = struct.unpack("<II", bytes.fromhex(made.design.digest)[:8])
        self.answers = {"DIGEST0": low, "DIGEST1": high}
        self.answers |= {"STATUS": 2 * held, "ERRORS": 32 * refuses}
        self.written: list[tuple[str, int]] = []

    def read(self, offset: int) -> int:
        return self.answers[self.names[offset]]

    def write(self, offset: int, word: int) -> None:
        self.written.append((self.names[offset], word))


def loads(bus: FakeBus, data: bytes, folder: Path) -> None:
    (folder / "w.slw").write_bytes(data)
    registers = json.loads(build().files["registers.json"])
    host.load(folder / "w.slw", accelerator(build()), registers, bus)


def test_loads_between_hold_and_release(tmp_path: Path) -> None:
    bus = FakeBus(build())
    loads(bus, GOOD, tmp_path)
    names = [name for name, _ in bus.written]
    assert bus.written[:2] == [("ERRORS", 32), ("LOAD_CONTROL", 1)]
    assert bus.written[-1] == ("LOAD_CONTROL", 0)
    assert set(names[2:-1]) == {"LOAD_ADDRESS", "LOAD_DATA"}


def test_writes_nothing_of_a_file_that_is_refused(tmp_path: Path) -> None:
    bus = FakeBus(build())
    with pytest.raises(WeightsError, match=r"^record 9: takes"):
        loads(bus, GOOD[:-5], tmp_path)
    assert bus.written == []


@pytest.mark.parametrize("register", ["DIGEST0", "DIGEST1"])
def test_writes_nothing_to_an_accelerator_of_another_digest(register: str, tmp_path: Path) -> None:
    bus, digest = FakeBus(build()), build().design.digest[:16]
    bus.answers[register] ^= 1
    message = rf"^the accelerator is the build [0-9a-f]{{16}}, this is {digest}$"
    with pytest.raises(WeightsError, match=message):
        loads(bus, GOOD, tmp_path)
    assert bus.written == []


def test_refuses_an_accelerator_that_never_rests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "PATIENCE", 3)
    bus = FakeBus(build(), held=False)
    with pytest.raises(WeightsError, match=r"^a frame under way does not end; nothing was loaded$"):
        loads(bus, GOOD, tmp_path)
    assert bus.written == [("ERRORS", 32), ("LOAD_CONTROL", 1), ("LOAD_CONTROL", 0)]


def test_keeps_an_accelerator_held_that_has_refused_a_word(tmp_path: Path) -> None:
    bus = FakeBus(build(), refuses=True)
    with pytest.raises(WeightsError, match=r"^the accelerator has refused a word; it is held$"):
        loads(bus, GOOD, tmp_path)
    assert bus.written[-1][0] == "LOAD_DATA"
