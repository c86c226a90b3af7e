"""A quantized network's file: every format comes back in every bit, and no bytes do harm."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refuses

from shiftloom.codegen.coding import container
from shiftloom.codegen.coding.container import Content, Kind, Record
from shiftloom.codegen.coding.fields import DAMAGED
from shiftloom.codegen.coding.fitted_file import fitted_bytes, read_fitted
from shiftloom.codegen.errors import ShiftloomError, shown
from shiftloom.codegen.fitted import Fitted, Range
from shiftloom.codegen.formats import FORMATS, Binary, Format, Given, Int, Pow2, Qsq, Ternary
from shiftloom.codegen.formats.csd import Csd
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.values import Array

SAMPLES: tuple[Format, ...] = (
    *(Qsq(phi, n, a) for phi in (1, 2, 4) for n in (None, 3, 99) for a in ("output", "filter")),
    *(Qsq(4, n, "channel") for n in (None, 2)),
    *(Int(2), Int(8), Int(16), Int(8, "tensor"), Int(3, "channel", False)),
    *(Pow2(2), Pow2(5), Ternary(), Binary(), Csd(), Csd(6, 3)),
    *(Given(8), Given(4, False), Given(8, True, "tensor")),
)
SHAPE = (4, 2, 3, 5)


def weights(
    fmt: Format, shape: tuple[int, ...] = SHAPE, skew: float = 1.0, seed: int = 0
) -> QuantizedWeights:
    """Random weights; the larger `skew`, the more of them are the first level."""
    rng = np.random.default_rng(seed)
    levels = np.array(fmt.levels)
    place = (rng.random(shape) ** skew * len(levels)).astype(np.int64)
    mantissa = rng.integers(1, 1 << 16, fmt.vectors(shape))
    return QuantizedWeights(fmt, Array(levels[place]), Array(mantissa), -20)


def network(*formats: Format) -> Fitted:
    rng = np.random.default_rng(1)
    layers = {f"layer{i}": weights(fmt, seed=i) for i, fmt in enumerate(formats)}
    biases = {name: Array(rng.normal(size=4).astype(np.float32)) for name in layers}
    ranges = {f"relu{i}": Range(float(rng.random()), bool(i)) for i in range(3)}
    return Fitted(layers, biases, ranges)


@pytest.mark.parametrize("skew", [1.0, 6.0])
@pytest.mark.parametrize("fmt", SAMPLES, ids=str)
def test_weights_come_back_in_every_bit(fmt: Format, skew: float) -> None:
    fitted = Fitted({"conv": weights(fmt, skew=skew)})
    assert read_fitted(fitted_bytes(fitted), "net.slw") == fitted


def test_every_format_is_sampled() -> None:
    assert {type(fmt) for fmt in SAMPLES} == set(FORMATS)


def test_a_network_comes_back_and_gives_the_same_bytes() -> None:
    fitted = network(*SAMPLES)
    data = fitted_bytes(fitted)
    found = read_fitted(data, "net.slw")
    assert found == fitted
    assert fitted_bytes(found) == data
    turned = Fitted(*(dict(reversed(part.items())) for part in parts(fitted)))
    assert fitted_bytes(turned) == data


def parts(fitted: Fitted) -> tuple[dict[str, object], ...]:
    return dict(fitted.weights), dict(fitted.biases), dict(fitted.ranges)


def test_nothing_comes_back_as_nothing() -> None:
    assert read_fitted(fitted_bytes(Fitted()), "net.slw") == Fitted()


def test_numbers_keep_their_precision() -> None:
    fitted = Fitted(
        biases={"a": Array(np.array([1 / 3])), "b": Array(np.array([1 / 3], dtype=np.float32))},
        ranges={"c": Range(5e-324, False), "d": Range(1 / 3, True)},
    )
    assert read_fitted(fitted_bytes(fitted), "net.slw") == fitted


@pytest.mark.parametrize("mantissa", [1, (1 << 24) - 1, (1 << 62) - 1])
@pytest.mark.parametrize("exponent", [-1022, 961])
def test_every_scale_comes_back(mantissa: int, exponent: int) -> None:
    made = replace(weights(Ternary()), mantissa=Array([1, mantissa, 7, 1]), exponent=exponent)
    fitted = Fitted({"conv": made})
    assert read_fitted(fitted_bytes(fitted), "net.slw") == fitted
    assert np.isfinite(made.alpha).all()
    assert made.alpha.min() > 0


def test_huffman_is_taken_where_it_is_shorter() -> None:
    even, skewed = (
        len(fitted_bytes(Fitted({"conv": weights(Int(8), (16, 5, 5, 16), skew)})))
        for skew in (1.0, 8.0)
    )
    assert even > 6400
    assert skewed < 0.8 * even


# ---------------------------------------------------------------- refused when written


@pytest.mark.parametrize(
    ("fitted", "message"),
    [
        (
            Fitted({"conv": replace(weights(Int(8)), mantissa=Array([1, 2]))}),
            "conv: α: of shape (2,); expected 4",
        ),
        (
            Fitted({"conv": replace(weights(Int(8)), mantissa=Array([1, 0, 5, 2]))}),
            "conv: α: mantissas from 0 to 5; use 1 to 2^62 - 1",
        ),
        (
            Fitted({"conv": replace(weights(Int(8)), exponent=962)}),
            "conv: α: exponent 962; use -1022 to 961",
        ),
        (
            Fitted(biases={"conv": Array([1, 2])}),
            "conv: numbers: are int64; use float32 or float64",
        ),
        (
            Fitted(ranges={"relu": Range(float("inf"), True)}),
            "relu: numbers: 1 are not finite, as inf",
        ),
        (
            Fitted(ranges={"a\nb": Range(1.0, True)}),
            "name: 'a\\nb'; use 1 to 255 printable ASCII characters",
        ),
    ],
)
def test_what_has_no_place_in_the_file_is_refused(fitted: Fitted, message: str) -> None:
    with refuses(message):
        fitted_bytes(fitted)


# ---------------------------------------------------------------- refused when read


def file_of(*records: Record, content: Content = Content.FITTED) -> bytes:
    return container.write(content, records)


GOOD = fitted_bytes(network(Qsq(), Int(8)))
HEADER = struct.calcsize("<8sHHI")


def recrc(header: bytes) -> bytes:
    """GOOD with another header, whose CRC is right."""
    return header + struct.pack("<I", crc32(header)) + GOOD[HEADER + 4 :]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", f"header: takes 16 bytes, 0 are left; {DAMAGED}"),
        (GOOD[:15], f"header: takes 16 bytes, 15 are left; {DAMAGED}"),
        (b"PK" + GOOD, "begins with b'PK\\x89SLW\\r\\n'; give a file of shiftloom pack"),
        (
            recrc(GOOD[:8] + b"\2" + GOOD[9:HEADER]),
            "has version 2; this program reads version 1",
        ),
        (
            recrc(GOOD[:10] + b"\4" + GOOD[11:HEADER]),
            f"content: is 4; known: 1 fitted, 2 shared, 3 build; {DAMAGED}",
        ),
        (
            recrc(GOOD[:10] + b"\2" + GOOD[11:HEADER]),
            "holds a float network of shared weights; expected a quantized network",
        ),
        (
            GOOD[:12] + b"\1" + GOOD[13:],
            f"header: has CRC-32 {crc32(GOOD[:12] + bytes([1]) + GOOD[13:HEADER]):08x}, "
            f"{crc32(GOOD[:HEADER]):08x} is written behind it; {DAMAGED}",
        ),
        (
            recrc(GOOD[:12] + b"\1" + GOOD[13:HEADER]),
            f"end: {{rest}} bytes follow the last field; {DAMAGED}",
        ),
        (GOOD[:-1], f"CRC-32 of record 6: takes 4 bytes, 3 are left; {DAMAGED}"),
        (GOOD + b"\0", f"end: 1 bytes follow the last field; {DAMAGED}"),
    ],
)
def test_other_files_are_refused(data: bytes, message: str) -> None:
    first = HEADER + 4 + 8 + struct.unpack_from("<I", GOOD, HEADER + 4)[0]
    with refuses(f"net.slw: {message.replace('{rest}', f'{len(GOOD) - first:,}')}"):
        read_fitted(data, "net.slw")


def test_a_changed_record_is_refused() -> None:
    data = bytearray(GOOD)
    data[-5] ^= 1
    with pytest.raises(ShiftloomError, match=r"^net\.slw: record 6: has CRC-32 \w{8}, \w{8} is"):
        read_fitted(bytes(data), "net.slw")


BODY = weights(Int(4), (2, 1, 1, 3))
RECORD = Record(Kind.WEIGHTS, "fc", b"")


def body(
    text: object = None,
    shape: tuple[int, ...] = (2, 1, 1, 3),
    alpha: bytes = struct.pack("<hB", -4, 3) + b"\x2d",
    codes: bytes = struct.pack("<BI", 0, 3) + b"\x21\x43\x65",
) -> bytes:
    """A record's body; a good one as it is."""
    if not isinstance(text, bytes):
        described = {"name": "int", "bits": 4, "granularity": "channel", "signed": True}
        described = described if text is None else text
        text = json.dumps(described, separators=(",", ":")).encode()
    return bytes([len(text)]) + text + struct.pack("<4I", *shape) + alpha + codes


def test_a_good_body_is_read() -> None:
    found = read_fitted(file_of(replace(RECORD, body=body())), "net.slw").weights["fc"]
    assert found.values.data.ravel().tolist() == [1, 2, 3, 4, 5, 6]
    assert (found.mantissa.data.tolist(), found.exponent) == ([5, 5], -4)


KNOWN = "known: qsq, int, pow2, csd, ternary, binary, given"


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (b"", "format: takes 1 bytes, 0 are left"),
        (b"\5{}", "format: takes 5 bytes, 2 are left"),
        *(
            (body(text), f"format: '{said}' is none; {KNOWN}")
            for text, said in (
                (b"\xff", "\ufffd"),
                (b"[]", "[]"),
                (b'{"name": ["int"]}', '{"name": ["int"]}'),
                (b'{"name": "Popen"}', '{"name": "Popen"}'),
                (b'{"name": "ternary", "bits": 2}', '{"name": "ternary", "bits": 2}'),
                (b'{"name":"pow2","bits":4.0}', '{"name":"pow2","bits":4.0}'),
                (b'{"name":"pow2","bits":"4"}', '{"name":"pow2","bits":"4"}'),
                (b'{"name":"pow2","bits":4,"more":1}', '{"name":"pow2","bits":4,"more":1}'),
                (b'{"name":"pow2"}', '{"name":"pow2"}'),
            )
        ),
        (body(b"[" * 200), f"format: {shown('[' * 200)} is none; {KNOWN}"),
        (body(b'{"name":"pow2","bits":9}'), "pow2.bits: 9 bits; use 2 to 5"),
        (
            body({"name": "given", "bits": 1 << 60, "signed": True, "granularity": "tensor"}),
            f"int.bits: {1 << 60} bits; use 1 to 16",
        ),
        (
            body(shape=(1 << 31, 1 << 31, 1 << 31, 1 << 31)),
            f"shape: [{', '.join([str(1 << 31)] * 4)}]; there is room for 1 to 224 weights",
        ),
        (body(shape=(0, 1, 1, 3)), "shape: [0, 1, 1, 3]; there is room for 1 to 224 weights"),
        (body(alpha=struct.pack("<hB", -4, 62)), "α: takes 16 bytes, 8 are left"),
        (body(alpha=struct.pack("<hB", -4, 63)), "bits of α: are 63; use 1 to 62"),
        (
            body(alpha=struct.pack("<hB", -4, 3) + b"\x28"),
            "α: mantissas from 0 to 5; use 1 to 2^62 - 1",
        ),
        (
            body(alpha=struct.pack("<hB", 999, 3) + b"\x2d"),
            "α: exponent 999; use -1022 to 961",
        ),
        (body(codes=b""), "method: takes 1 bytes, 0 are left"),
        (body(codes=b"\2"), "method: is 2; known: 0 packed, 1 Huffman"),
        (
            body(codes=struct.pack("<BI", 0, 2) + b"\x21\x43"),
            "packed codes: 2 bytes; 6 codes of 4 bits take 3",
        ),
        (
            body(codes=struct.pack("<BI", 0, 1 << 31)),
            "symbols: takes 2,147,483,648 bytes, 0 are left",
        ),
        (body(codes=struct.pack("<BH", 1, 16)), "largest symbol: is 16; 4 bits hold no such"),
        (body(codes=struct.pack("<BH", 1, 3)), "code lengths: takes 2 bytes, 0 are left"),
        (
            body(codes=struct.pack("<BHBI", 1, 1, 0x11, 1) + b"\1"),
            "Huffman code: 6 symbols end at bit 6 of 8; only zeros to a byte may follow",
        ),
        (body() + b"\0", "end: 1 bytes follow the last field"),
    ],
)
def test_hostile_weights_are_refused(made: bytes, message: str) -> None:
    with refuses(f"net.slw: fc: {message}; {DAMAGED}"):
        read_fitted(file_of(replace(RECORD, body=made)), "net.slw")


def test_codes_that_are_never_emitted_are_refused() -> None:
    described = {"name": "qsq", "phi": 4, "vector": None, "axis": "output"}
    made = body(described, codes=struct.pack("<BI", 0, 3) + b"\xff\xff\3")
    with refuses(f"net.slw: fc: qsq: code 7; valid codes are 0 to 6; {DAMAGED}"):
        read_fitted(file_of(replace(RECORD, body=made)), "net.slw")


@pytest.mark.parametrize(
    ("kind", "made", "message"),
    [
        (Kind.BIAS, b"", "bytes of a number: takes 1 bytes, 0 are left"),
        (Kind.BIAS, b"\2\0\0", "bytes of a number: are 2; known: 4 and 8"),
        (Kind.BIAS, b"\4\0\0\0", "numbers: take 3 bytes; each takes 4"),
        (Kind.BIAS, b"\4\0\0\xc0\x7f", "numbers: 1 are not finite, as nan"),
        (Kind.RANGE, b"\1\x08\0", "numbers: takes 8 bytes, 1 are left"),
        (Kind.RANGE, b"\0\4" + bytes(8), "end: 4 bytes follow the last field"),
        (Kind.RANGE, b"\2\4" + bytes(4), "sign: is 2; 0: none, 1: signed"),
    ],
)
def test_hostile_numbers_are_refused(kind: Kind, made: bytes, message: str) -> None:
    with refuses(f"net.slw: fc: {message}; {DAMAGED}"):
        read_fitted(file_of(Record(kind, "fc", made)), "net.slw")


def test_records_that_do_not_ascend_are_refused() -> None:
    bias = Record(Kind.BIAS, "fc", b"\4")
    with refuses(f"net.slw: fc: kind bias is out of order; {DAMAGED}"):
        read_fitted(file_of(bias, bias), "net.slw")


def test_records_of_another_content_are_refused() -> None:
    with refuses("net.slw: record 0: kind: is 4; known: 1 weights, 2 bias, 3 range; " + DAMAGED):
        read_fitted(file_of(Record(Kind.SHARED, "fc", b"")), "net.slw")


def framed(payload: bytes) -> bytes:
    header = struct.pack("<8sHHI", container.MAGIC, container.VERSION, Content.FITTED, 1)
    parts = (header, struct.pack("<I", crc32(header)), struct.pack("<I", len(payload)), payload)
    return b"".join([*parts, struct.pack("<I", crc32(payload))])


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "kind: takes 1 bytes, 0 are left"),
        (b"\2\3ab", "name: takes 3 bytes, 2 are left"),
        (b"\2\0", "name: ''; use 1 to 255 printable ASCII characters"),
        (b"\2\2\xc3\xa4\4", "name: '\\ufffd\\ufffd'; use 1 to 255 printable ASCII characters"),
        (b"\2\1\x1b\4", "name: '\\x1b'; use 1 to 255 printable ASCII characters"),
    ],
)
def test_hostile_records_are_refused(payload: bytes, message: str) -> None:
    with refuses(f"net.slw: record 0: {message}; {DAMAGED}"):
        read_fitted(framed(payload), "net.slw")


def _flipped(data: bytearray, at: int, mask: int) -> None:
    data[at % len(data)] ^= mask


def _cut(data: bytearray, at: int, mask: int) -> None:
    del data[at % len(data) : at % len(data) + mask]


@given(st.integers(0, 1 << 16), st.integers(1, 255), st.sampled_from([_flipped, _cut]))
def test_damaged_bytes_are_refused(
    at: int, mask: int, damage: Callable[[bytearray, int, int], None]
) -> None:
    data = bytearray(GOOD)
    damage(data, at, mask)
    with pytest.raises(ShiftloomError, match=r"^net\.slw: "):
        read_fitted(bytes(data), "net.slw")


SEEDS = tuple(
    container.read(fitted_bytes(Fitted({"fc": made})), "", Content.FITTED)[0].body
    for made in (weights(Qsq()), weights(Qsq(4, 3, "filter"), skew=5.0), weights(Int(8)), BODY)
)


@settings(max_examples=300)
@given(st.sampled_from(SEEDS), st.integers(0, 400), st.integers(1, 255), st.integers(0, 3))
def test_damage_under_a_right_crc_gives_weights_or_a_refusal(
    seed: bytes, at: int, mask: int, more: int
) -> None:
    data = bytearray(seed)
    for step in range(more + 1):
        _flipped(data, at + 7 * step, mask)
    try:
        found = read_fitted(file_of(replace(RECORD, body=bytes(data))), "net.slw").weights["fc"]
    except ShiftloomError:
        return
    assert found.values.data.size <= 8 * len(data)
    assert np.isfinite(found.real).all()
