"""sl_word_pack: the words of every frame, whatever the width of its beats."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.lasts import LastSink, check_lasts
from shiftloom.rtl_sim.benches.streams import Source, bench_test, draw, paced_test, parameters

FRAMES = 12
WORD = 64


def _frame(rng: np.random.Generator, width: int, beats: int) -> tuple[list[int], list[int]]:
    """The beats of a frame, and its words with TLAST on the last one."""
    bits = sum(int(bit) << at for at, bit in enumerate(draw(rng, (width * beats,), 1)))
    words = -(-width * beats // WORD)
    given = [bits >> (i * width) & ((1 << width) - 1) for i in range(beats)]
    made = [bits >> (i * WORD) & ((1 << WORD) - 1) for i in range(words)]
    return given, [*made[:-1], made[-1] | 1 << WORD]


@paced_test
async def gives_the_words_of_every_frame(dut: Any, idle: str, stall: str) -> None:
    """Zeros in what is left of a last word, and TLAST there alone."""
    width, beats = parameters(dut, "BITS", "BEATS").values()
    rng = np.random.default_rng(3)
    frames = [_frame(rng, width, beats) for _ in range(FRAMES)]
    source = Source(dut, [beat for given, _ in frames for beat in given], idle, 1)
    sink = LastSink(dut, WORD, stall, 2)
    await check_lasts(dut, source, sink, [word for _, made in frames for word in made])
    if idle == stall == "full":
        clocks = FRAMES * max(beats, len(frames[0][1]))
        ahead = -(-width * beats // WORD)  # words of the last frame may come behind its last beat
        assert sink.clocks[-1] - source.clocks[0] <= clocks + ahead, "it does not keep up"
        if width <= WORD:
            assert source.clocks[-1] - source.clocks[0] == clocks - 1, "a beat waited"


@bench_test
async def forgets_all_in_reset(dut: Any) -> None:
    """After a reset in mid-frame the next beat begins a frame."""
    width, beats = parameters(dut, "BITS", "BEATS").values()
    rng = np.random.default_rng(5)
    for before in range(beats):
        given, made = _frame(rng, width, beats)
        whole = width * before // WORD
        await check_lasts(dut, Source(dut, given[:before]), LastSink(dut, WORD), made[:whole])
        assert int(dut.held.value) == (before > 0)
        given, made = _frame(rng, width, beats)
        await check_lasts(dut, Source(dut, given), LastSink(dut, WORD), made)
        assert int(dut.held.value) == 0
