"""sl_engine_ingest: every channel in its lane, every word with its place, at a beat a clock."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.streams import (
    Bench,
    Source,
    bench_test,
    bursts,
    draw,
    paced_test,
    pack,
    parameters,
)

NAMES = ("R", "LANE", "E", "BEATS", "PIXELS")
Word = tuple[int, int, int, int]


class Words:
    """Takes words at a pace; a word that was offered and not taken must stay."""

    def __init__(self, dut: Any, pace: str) -> None:
        self.dut, self.pace = dut, pace
        self.pattern = bursts(5)
        self.ready = False
        self.waiting: Word | None = None
        self.words: list[Word] = []
        self.clocks: list[int] = []

    def drive(self) -> None:
        """Decide ready; a late taker has seen the word before."""
        active = next(self.pattern)
        late = active and self.waiting is not None
        self.ready = {"full": True, "bursty": active, "late": late}[self.pace]
        self.dut.word_ready.value = int(self.ready)

    def look(self, clock: int) -> None:
        """Take the word (data, block, pixel, last)."""
        dut, offered = self.dut, None
        if int(dut.word_valid.value):
            pins = (dut.word, dut.word_block, dut.word_pixel, dut.word_last)
            offered = (*(int(pin.value) for pin in pins),)
        assert self.waiting in (None, offered), f"clock {clock}: a waiting word changed"
        if offered is not None and self.ready:
            self.words.append(offered)
            self.clocks.append(clock)
        self.waiting = None if self.ready else offered


async def check(dut: Any, idle: str, stall: str, frames: int) -> tuple[Source, Words]:
    """Random frames back to back: exactly the words of their pixels."""
    p = parameters(dut, *NAMES)
    channels = p["E"] * p["BEATS"]
    x = draw(np.random.default_rng(3), (frames * p["PIXELS"], channels), p["LANE"])
    blocks = -(-channels // p["R"])
    lanes = np.pad(x, ((0, 0), (0, blocks * p["R"] - channels)))
    data = pack(lanes, p["R"], p["LANE"])
    expected = [
        (word, i % blocks, i // blocks % p["PIXELS"], int((i + 1) % (blocks * p["PIXELS"]) == 0))
        for i, word in enumerate(data)
    ]
    source = Source(dut, pack(x, p["E"], p["LANE"]), idle)
    words = Words(dut, stall)
    bench = Bench(dut, (source, words))
    await bench.start()
    await bench.run(lambda: len(words.words) >= len(expected), 100 + 40 * len(source.beats))
    for _ in range(20):
        await bench.step()
    bench.stop()
    assert words.words == expected
    return source, words


@paced_test
async def gives_the_words_of_each_pixel(dut: Any, idle: str, stall: str) -> None:
    """Under every pace."""
    await check(dut, idle, stall, 4)


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """Without a pause; a word comes 1 clock after its last beat."""
    source, words = await check(dut, "full", "full", 2)
    assert source.clocks == list(range(len(source.clocks)))
    p = parameters(dut, *NAMES)
    slots = p["R"] // p["E"] if p["BEATS"] > 1 else 1
    ends = [
        clock
        for clock in source.clocks
        if (clock + 1) % p["BEATS"] == 0 or (clock % p["BEATS"] + 1) % slots == 0
    ]
    assert words.clocks == [clock + 1 for clock in ends]
