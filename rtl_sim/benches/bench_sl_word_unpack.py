"""sl_word_unpack: the beats of every frame, whatever their width, and of frames that end early."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.commands import varied_test
from shiftloom.rtl_sim.benches.lasts import LastSink, LastSource, check_lasts
from shiftloom.rtl_sim.benches.streams import SINK_PACES, SOURCE_PACES, bench_test, draw, parameters

FRAMES = 12
WORD = 64


def _frame(rng: np.random.Generator, bits: int) -> int:
    """The random bits of a frame."""
    return sum(int(bit) << at for at, bit in enumerate(draw(rng, (bits,), 1)))


def _cut(frame: int, width: int, count: int, last: int) -> list[int]:
    """The first `count` pieces of a frame, TLAST on piece `last`."""
    pieces = [frame >> (i * width) & ((1 << width) - 1) for i in range(count)]
    return [piece | (i == last) << width for i, piece in enumerate(pieces)]


@varied_test(idle=SOURCE_PACES, stall=SINK_PACES, early=(False, True))
async def gives_the_beats_of_every_frame(dut: Any, idle: str, stall: str, early: bool) -> None:
    """Random bits in what is left of a last word; TLAST on that word, in mid-frame, or nowhere."""
    width, beats = parameters(dut, "BITS", "BEATS").values()
    rng, lengths = np.random.default_rng(3), random.Random(4)
    words = -(-width * beats // WORD)
    given: list[int] = []
    expected: list[int] = []
    for number in range(FRAMES):
        frame = _frame(rng, WORD * words)
        short = lengths.randint(1, words) if early and number % 3 else words
        if short < words:
            frame &= (1 << WORD * short) - 1
            given += _cut(frame, WORD, short, short - 1)
            count = -(-WORD * short // width)
            expected += _cut(frame, width, count, count - 1)
        else:
            given += _cut(frame, WORD, words, words - 1 if number % 2 else -1)
            expected += _cut(frame, width, beats, beats - 1)
    source = LastSource(dut, given, WORD, idle, 1)
    sink = LastSink(dut, width, stall, 2)
    await check_lasts(dut, source, sink, expected)
    if idle == stall == "full" and not early:
        clocks = FRAMES * max(beats, words)
        assert sink.clocks[-1] - source.clocks[0] <= clocks, "it does not keep up"


@bench_test
async def forgets_all_in_reset(dut: Any) -> None:
    """After a reset in mid-frame the next word begins a frame."""
    width, beats = parameters(dut, "BITS", "BEATS").values()
    words = -(-width * beats // WORD)
    rng = np.random.default_rng(5)
    for before in range(words):
        given = _cut(_frame(rng, WORD * words), WORD, before, -1)
        source, sink = LastSource(dut, given, WORD), LastSink(dut, width)
        await check_lasts(
            dut, source, sink, _cut(_as_one(given), width, WORD * before // width, -1)
        )
        assert int(dut.held.value) == (before > 0)
        frame = _frame(rng, WORD * words)
        source = LastSource(dut, _cut(frame, WORD, words, -1), WORD)
        await check_lasts(dut, source, LastSink(dut, width), _cut(frame, width, beats, beats - 1))
        assert int(dut.held.value) == 0


def _as_one(words: list[int]) -> int:
    """Words without TLAST as one number."""
    return sum(word << (WORD * i) for i, word in enumerate(words))
