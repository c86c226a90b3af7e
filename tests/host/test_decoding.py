"""Damaged records of weights and of integers are refused by the field that does not fit."""

from __future__ import annotations

import struct

import pytest
from weight_files import digest, file_of, record, refused

from shiftloom.host.container import INTEGERS, WEIGHTS

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
