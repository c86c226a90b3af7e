"""Canonical Huffman codes of at most 15 bits, in NumPy alone.

A code is the length of each symbol's word, 0 for a symbol that has none. Words are given in the
order of their lengths, then of the symbols, each the next binary number of its length; they are
written first bit first, from the high end of each byte. So the lengths are all that a decoder
needs. They are the best of that limit, by package-merge (Larmore and Hirschberg, 1990).
"""

from __future__ import annotations

from itertools import accumulate, repeat

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.format import Codes
from shiftloom.codegen.values import IntArray
from shiftloom.host.container import MAX_LENGTH

_WINDOWS = 1 << MAX_LENGTH
_BLOCK = 1 << 18
"""Symbols that are encoded at a time."""

Lengths = npt.NDArray[np.uint8]
"""Bits of each symbol's word, 0 for a symbol without one."""


def code_lengths(counts: IntArray) -> Lengths:
    """The code that writes each symbol as often as `counts` says in the fewest bits.

    A lone symbol has a word of one bit. Raises ShiftloomError for more symbols than words.
    """
    used = np.flatnonzero(counts)
    if len(used) > _WINDOWS:
        raise ShiftloomError(
            "Huffman code",
            f"{len(used):,} symbols",
            f"words of at most {MAX_LENGTH} bits tell {_WINDOWS:,} apart",
        )
    lengths = np.zeros(len(counts), dtype=np.uint8)
    if len(used) < 2:
        lengths[used] = 1
        return lengths
    order = used[np.argsort(counts[used], kind="stable")]
    leaves = merged = counts[order]
    is_leaf = [np.ones(len(used), dtype=bool)]
    for _ in range(MAX_LENGTH - 1):
        packages = merged[: len(merged) // 2 * 2].reshape(-1, 2).sum(axis=1)
        together = np.concatenate([leaves, packages])
        by_weight = np.argsort(together, kind="stable")
        merged = together[by_weight]
        is_leaf.append(by_weight < len(used))
    taken = 2 * len(used) - 2
    for leaf in reversed(is_leaf):
        rarest = int(leaf[:taken].sum())
        lengths[order[:rarest]] += 1
        taken = 2 * (taken - rarest)
    return lengths


def encode(symbols: Codes, lengths: Lengths) -> bytes:
    """The words of `symbols` one behind the other, zeros up to a whole byte.

    Every symbol has a word.
    """
    order, spans = _canonical(lengths)
    words = np.zeros(len(lengths), dtype=np.uint16)
    words[order] = np.cumsum(spans) - spans
    places = np.arange(MAX_LENGTH)
    blocks = [np.zeros(0, dtype=np.uint8)]
    for start in range(0, symbols.size, _BLOCK):
        block = symbols[start : start + _BLOCK]
        bits = (words[block][:, None] >> (MAX_LENGTH - 1 - places).astype(np.uint16)) & 1
        blocks.append(bits[places < lengths[block][:, None]].astype(np.uint8))
    return np.packbits(np.concatenate(blocks)).tobytes()


def decode(data: bytes, lengths: Lengths, count: int) -> Codes:
    """The `count` symbols of `encode`'s bytes; raises ShiftloomError on any other bytes.

    It looks up the word that would begin at each bit, and then steps from word to word. Memory and
    time are bounded by the size of `data`.
    """
    order, spans = _checked(lengths)
    bits = 8 * len(data)
    if count > bits:
        raise _damaged(f"{count:,} symbols in {len(data):,} bytes", "each takes a bit or more")
    table = np.zeros(_WINDOWS, dtype=np.uint16)
    steps = np.zeros(_WINDOWS, dtype=np.uint8)
    filled = int(spans.sum())
    table[:filled] = np.repeat(order, spans)
    steps[:filled] = np.repeat(lengths[order], spans)
    windows = _windows(data)
    step = steps[windows[:bits]].tobytes() + bytes(MAX_LENGTH)
    walk = accumulate(repeat(0, count), lambda place, _: place + step[place], initial=0)
    places = np.fromiter(walk, dtype=np.int64, count=count + 1)
    end = int(places[-1])
    if count and step[places[-2]] == 0:
        raise _damaged(f"bit {places[-2]:,} begins no word", "the bytes or the lengths are others")
    if not bits - 8 < end <= bits or windows[end] >> (MAX_LENGTH - (bits - end)):
        raise _damaged(
            f"{count:,} symbols end at bit {end:,} of {bits:,}", "only zeros to a byte may follow"
        )
    symbols: Codes = table[windows[places[:-1]]]
    return symbols


def entropy_bits(counts: IntArray) -> float:
    """Σ −n·log₂(n / Σn): the fewest bits that symbols of these counts take, each on its own."""
    seen = counts[counts > 0]
    return float((seen * np.log2(seen.sum() / seen)).sum())


def _canonical(lengths: Lengths) -> tuple[IntArray, IntArray]:
    """Symbols in the order of their words, and how many windows of 15 bits begin with each."""
    used = np.flatnonzero(lengths)
    order = used[np.argsort(lengths[used], kind="stable")]
    return order, np.left_shift(1, MAX_LENGTH - lengths[order].astype(np.int64))


def _checked(lengths: Lengths) -> tuple[IntArray, IntArray]:
    """`_canonical` of lengths that make a code; raises ShiftloomError for others."""
    if lengths.size and int(lengths.max()) > MAX_LENGTH:
        raise _damaged(f"a word of {lengths.max()} bits", f"the limit is {MAX_LENGTH}")
    order, spans = _canonical(lengths)
    total = int(spans.sum())
    lone = len(order) == 1 and total == _WINDOWS // 2
    if total != _WINDOWS and len(order) and not lone:
        raise _damaged(
            f"its words cover {total:,} of {_WINDOWS:,} windows",
            "they must cover all, or be one word of one bit",
        )
    return order, spans


def _windows(data: bytes) -> npt.NDArray[np.integer]:
    """The 15 bits from each bit of `data` on, and from each of the two bytes of zeros behind it."""
    padded = np.frombuffer(data + bytes(4), dtype=np.uint8).astype(np.uint32)
    words = padded[:-2] << 16 | padded[1:-1] << 8 | padded[2:]
    shifts = np.arange(24 - MAX_LENGTH, 16 - MAX_LENGTH, -1, dtype=np.uint32)
    return (words[:, None] >> shifts & np.uint32(_WINDOWS - 1)).reshape(-1)


def _damaged(problem: str, hint: str) -> ShiftloomError:
    return ShiftloomError("Huffman code", problem, hint)
