"""The file of a build's weights as the compiler reads it: what comes back, what is refused."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refuses

from shiftloom.codegen.coding import container, integers, weights_record
from shiftloom.codegen.coding.build_file import build_bytes, read_build
from shiftloom.codegen.coding.container import Content, Kind, Record
from shiftloom.codegen.coding.fields import DAMAGED, Fields
from shiftloom.codegen.formats import Qsq
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.reloading import BuildWeights, Constants, LayerWeights
from shiftloom.codegen.values import Array

DIGEST = "0123456789abcdef" * 4


def weights(phi: int = 4) -> BuildWeights:
    rng = np.random.default_rng(phi)
    values = rng.choice(Qsq(phi).levels, (3, 1, 1, 5))
    codes = QuantizedWeights(Qsq(phi), Array(values), Array(np.array([9, 5, 7])), -6)
    bias = Array(np.array([-100, 0, 77]))
    offsets = Array(np.zeros(3, np.int64))
    constants = {"relu_requant": Constants(Array(np.array([255, 1, 128])), offsets, 9)}
    return BuildWeights(DIGEST, {"fc": LayerWeights(codes, bias)}, constants)


@pytest.mark.parametrize("phi", [1, 2, 4])
def test_weights_come_back_in_every_bit(phi: int) -> None:
    assert read_build(build_bytes(weights(phi)), "w.slw") == weights(phi)


@given(st.lists(st.integers(-(1 << 62), (1 << 62) - 1), min_size=1, max_size=9))
def test_integers_come_back_in_as_few_bits_as_they_take(numbers: list[int]) -> None:
    data = integers.encode(np.array(numbers, dtype=np.int64))
    fields = Fields(data)
    assert integers.decode(fields).data.tolist() == numbers
    fields.end()
    width = max(n.bit_length() if n >= 0 else (~n).bit_length() for n in numbers)
    bits = (width + 1) * any(numbers)
    assert len(data) == 5 + -(-bits * len(numbers) // 8)


def test_refuses_integers_that_a_record_does_not_hold() -> None:
    with refuses("integers: of 64 bits; use at most 63"):
        integers.encode(np.array([-(1 << 63)]))
    with refuses("bits of an integer: are 64; 0 to 63 are possible"):
        integers.decode(Fields(struct.pack("<IB", 1, 64) + bytes(8)))
    with refuses("count: 1,048,577 zeros; a layer has at most 1,048,576"):
        integers.decode(Fields(struct.pack("<IB", (1 << 20) + 1, 0)))


SHORT_VECTORS = weights_record.encode(replace(weights().layers["fc"].codes, format=Qsq(4, 5)))


def records(*left_out: Kind) -> list[Record]:
    found = container.read(build_bytes(weights()), "w.slw", Content.BUILD)
    return [record for record in found if record.kind not in left_out]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (records(Kind.DESIGN), "w.slw: names no design; it is for one build"),
        (
            [*records(), Record(Kind.DESIGN, "other", bytes(32))],
            f"w.slw: other: name: is no design's; use 'design'; {DAMAGED}",
        ),
        (
            [*records(Kind.WEIGHTS), Record(Kind.WEIGHTS, "fc", SHORT_VECTORS)],
            f"w.slw: fc: format: {Qsq(4, 5)} is none that is loaded; use qsq; {DAMAGED}",
        ),
        (records(Kind.WEIGHTS), f"w.slw: fc: has no codes or no biases; {DAMAGED}"),
        (records(Kind.INTEGERS), f"w.slw: fc: has no codes or no biases; {DAMAGED}"),
        (
            [replace(records()[0], body=bytes(31))],
            f"w.slw: design: digest: takes 32 bytes, 31 are left; {DAMAGED}",
        ),
        (
            [*records(Kind.CONSTANTS), Record(Kind.CONSTANTS, "r", b"")],
            f"w.slw: r: shift: takes 1 bytes, 0 are left; {DAMAGED}",
        ),
    ],
)
def test_refuses_files_that_are_not_whole(made: list[Record], message: str) -> None:
    with refuses(message):
        read_build(container.write(Content.BUILD, made), "w.slw")


def test_a_survey_goes_on_behind_a_damaged_record() -> None:
    data = bytearray(build_bytes(weights()))
    data[40] ^= 1
    found = container.survey(bytes(data), "w.slw")
    assert [(each.kind, each.is_whole) for each in found] == [
        ("design", False),
        ("weights", True),
        ("integers", True),
        ("constants", True),
    ]
    assert sum(each.bytes for each in found) + 20 == len(data)
    assert len(container.survey(bytes(data[:-1]), "w.slw")) == 3


@pytest.mark.parametrize(("payload", "kind"), [(b"", "empty"), (b"\x63", "unknown")])
def test_a_survey_says_what_it_cannot_name(payload: bytes, kind: str) -> None:
    data: Any = container.write(Content.BUILD, [])
    head = data[:12] + struct.pack("<I", 1)
    framed = struct.pack("<I", len(payload)) + payload + bytes(4)
    whole = head + struct.pack("<I", crc32(head)) + framed
    assert [each.kind for each in container.survey(whole, "w.slw")] == [kind]
