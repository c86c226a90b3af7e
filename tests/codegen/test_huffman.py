"""Canonical Huffman codes: optimal, standard, exact, and safe on any bytes."""

from __future__ import annotations

import numpy as np
import pytest
from bitarray import bitarray
from bitarray.util import canonical_decode, huffman_code
from hypothesis import example, given
from hypothesis import strategies as st
from refusals import refuses

from shiftloom.codegen.coding import huffman
from shiftloom.codegen.coding.huffman import MAX_LENGTH, code_lengths, decode, encode, entropy_bits
from shiftloom.codegen.errors import ShiftloomError

COUNTS = st.lists(st.integers(0, 1 << 40) | st.integers(0, 3), max_size=40).map(
    lambda counts: np.array(counts, dtype=np.int64)
)
SYMBOLS = st.lists(st.integers(0, 40), min_size=1, max_size=300).map(
    lambda symbols: np.array(symbols, dtype=np.uint16)
)


def lengths_of(symbols: np.ndarray) -> np.ndarray:
    return code_lengths(np.bincount(symbols))


def brute_force(counts: list[int], limit: int) -> int:
    """The fewest bits of any prefix code of words up to `limit` bits, by trying all lengths."""
    best = [1 << 62]

    def extend(place: int, room: int, bits: int) -> None:
        if place == len(counts):
            best[0] = min(best[0], bits)
            return
        for length in range(1, limit + 1):
            if room >= 1 << (limit - length):
                extend(place + 1, room - (1 << (limit - length)), bits + length * counts[place])

    extend(0, 1 << limit, 0)
    return best[0]


@given(COUNTS)
def test_lengths_make_a_whole_code(counts: np.ndarray) -> None:
    lengths = code_lengths(counts)
    used = lengths[lengths > 0].astype(np.int64)
    assert np.array_equal(lengths > 0, counts > 0)
    assert used.max(initial=0) <= MAX_LENGTH
    if len(used) > 1:
        assert np.left_shift(1, MAX_LENGTH - used).sum() == 1 << MAX_LENGTH
    else:
        assert used.tolist() == [1] * len(used)


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=60))
def test_without_a_need_of_long_words_it_is_as_short_as_huffmans(counts: list[int]) -> None:
    free = huffman_code(dict(enumerate(counts)))
    if max(len(word) for word in free.values()) <= MAX_LENGTH:
        bits = sum(count * len(free[symbol]) for symbol, count in enumerate(counts))
        assert int(code_lengths(np.array(counts)) @ np.array(counts)) == bits


@pytest.mark.parametrize("limit", [2, 3, 4])
def test_no_code_of_the_limit_is_shorter(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huffman, "MAX_LENGTH", limit)
    rng = np.random.default_rng(limit)
    for size in range(2, min(1 << limit, 5) + 1):
        counts = np.sort(rng.integers(1, 100, size) ** 3)
        assert int(code_lengths(counts) @ counts) == brute_force(counts.tolist(), limit)


def test_fibonacci_counts_meet_the_limit() -> None:
    counts = [1, 1]
    while len(counts) < 30:
        counts.append(counts[-1] + counts[-2])
    assert int(code_lengths(np.array(counts)).max()) == MAX_LENGTH


def test_a_code_is_canonical() -> None:
    lengths = np.array([2, 0, 1, 3, 3], dtype=np.uint8)
    symbols = np.array([2, 0, 3, 4], dtype=np.uint16)
    assert encode(symbols, lengths) == bytes([0b0_10_110_11, 0b1_0000000])


@given(SYMBOLS)
@example(np.zeros(1, dtype=np.uint16))
@example(np.full(8, 7, dtype=np.uint16))
def test_symbols_come_back_here_and_from_another_decoder(symbols: np.ndarray) -> None:
    lengths = lengths_of(symbols)
    data = encode(symbols, lengths)
    assert np.array_equal(decode(data, lengths, len(symbols)), symbols)
    assert len(data) == -(-int(lengths[symbols].sum()) // 8)
    order = sorted(np.flatnonzero(lengths).tolist(), key=lambda s: (lengths[s], s))
    bits = bitarray(endian="big")
    bits.frombytes(data)
    words = canonical_decode(
        bits[: int(lengths[symbols].sum())], np.bincount(lengths, minlength=2).tolist(), order
    )
    assert list(words) == symbols.tolist()


def test_no_symbols_take_no_bytes() -> None:
    lengths = code_lengths(np.array([3, 0, 1]))
    nothing = np.zeros(0, dtype=np.uint16)
    assert encode(nothing, lengths) == b""
    assert decode(b"", lengths, 0).tolist() == []
    assert decode(b"", code_lengths(np.zeros(4, dtype=np.int64)), 0).tolist() == []


def test_more_than_a_block_of_skewed_symbols() -> None:
    rng = np.random.default_rng(0)
    symbols = np.minimum(rng.geometric(0.3, 600_000) - 1, 40).astype(np.uint16)
    lengths = lengths_of(symbols)
    data = encode(symbols, lengths)
    assert np.array_equal(decode(data, lengths, len(symbols)), symbols)
    assert entropy_bits(np.bincount(symbols)) <= 8 * len(data)


@pytest.mark.parametrize(
    ("counts", "bits"), [([8], 0.0), ([4, 4], 8.0), ([2, 0, 1, 1], 6.0), ([0, 0], 0.0)]
)
def test_entropy(counts: list[int], bits: float) -> None:
    assert entropy_bits(np.array(counts)) == bits


def test_more_symbols_than_words_are_refused() -> None:
    with refuses("Huffman code: 32,769 symbols; words of at most 15 bits tell 32,768 apart"):
        code_lengths(np.ones(32_769, dtype=np.int64))
    assert set(code_lengths(np.ones(32_768, dtype=np.int64)).tolist()) == {15}


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([1, 16], "a word of 16 bits; the limit is 15"),
        ([1, 2], "its words cover 24,576 of 32,768 windows; "),
        ([1, 1, 1], "its words cover 49,152 of 32,768 windows; "),
        ([0, 2], "its words cover 8,192 of 32,768 windows; "),
    ],
)
def test_lengths_of_no_code_are_refused(lengths: list[int], message: str) -> None:
    rest = "they must cover all, or be one word of one bit" if message.endswith("; ") else ""
    with refuses(f"Huffman code: {message}{rest}"):
        decode(b"\0", np.array(lengths, dtype=np.uint8), 3)


@pytest.mark.parametrize(
    ("data", "lengths", "count", "message"),
    [
        (b"\0", [1, 1], 9, "9 symbols in 1 bytes; each takes a bit or more"),
        (b"\x80", [0, 1], 8, "bit 0 begins no word; the bytes or the lengths are others"),
        (b"\0", [], 1, "bit 0 begins no word; the bytes or the lengths are others"),
        (b"\xff", [1, 2, 2], 5, "bit 8 begins no word; the bytes or the lengths are others"),
        (b"\x7f", [1, 2, 3, 3], 4, "4 symbols end at bit 9 of 8; "),
        (b"\0\0", [1, 1], 8, "8 symbols end at bit 8 of 16; "),
        (b"\x01", [1, 1], 7, "7 symbols end at bit 7 of 8; "),
        (b"\0", [1, 1], 0, "0 symbols end at bit 0 of 8; "),
    ],
)
def test_other_bytes_are_refused(data: bytes, lengths: list[int], count: int, message: str) -> None:
    rest = "only zeros to a byte may follow" if message.endswith("; ") else ""
    with refuses(f"Huffman code: {message}{rest}"):
        decode(data, np.array(lengths, dtype=np.uint8), count)


@given(
    st.binary(max_size=60),
    st.lists(st.integers(0, 15), max_size=20),
    st.integers(0, 500),
)
def test_any_bytes_give_symbols_or_a_refusal(data: bytes, lengths: list[int], count: int) -> None:
    code = np.array(lengths, dtype=np.uint8)
    try:
        symbols = decode(data, code, count)
    except ShiftloomError:
        return
    assert len(symbols) == count
    assert encode(symbols, code) == data


@given(SYMBOLS, st.data())
def test_damaged_bytes_give_symbols_or_a_refusal(symbols: np.ndarray, data: st.DataObject) -> None:
    lengths = lengths_of(symbols)
    content = bytearray(encode(symbols, lengths))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    try:
        found = decode(bytes(content), lengths, len(symbols))
    except ShiftloomError:
        return
    assert encode(found, lengths) == content
