"""sl_memory_gate: frames pass or are dropped by the base at their first beat."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.streams import (
    Bench,
    Sink,
    Source,
    compare,
    draw,
    paced_test,
    pack,
    parameters,
)


class Base:
    """Changes the base at random, and notes what each first beat saw and the pulses said."""

    def __init__(self, dut: Any, source: Source, beats: int) -> None:
        self.dut, self.source, self.beats = dut, source, beats
        self.rng = random.Random(1)
        self.value = self.accepted = 0
        self.passed: list[bool] = []
        self.expected = (0, 0)

    def drive(self) -> None:
        """A base that is often a multiple of 4096, else 0 or wrong in one bit."""
        if self.rng.random() < 0.2:
            page = self.rng.choice((0, self.rng.getrandbits(20), 1)) << 12
            self.value = page | self.rng.choice((0, 0, 0, 1, 1 << self.rng.randrange(12)))
        self.dut.base.value = self.value

    def look(self, clock: int) -> None:
        """Compare the pulses with the first beat of the clock before."""
        got = (int(self.dut.frame_start.value), int(self.dut.misaligned.value))
        assert got == self.expected, f"clock {clock}: (frame_start, misaligned) is {got}"
        taken = self.source.offering and bool(int(self.dut.s_tready.value))
        first = taken and self.accepted % self.beats == 0
        right = self.value % 4096 == 0 and self.value > 0
        if first:
            self.passed.append(right)
        self.expected = (int(first and right), int(first and not right))
        self.accepted += taken


@paced_test
async def passes_frames_of_an_aligned_base(dut: Any, idle: str, stall: str) -> None:
    """Whole frames, in order; the others leave nothing."""
    sizes = parameters(dut, "WIDTH", "BEATS")
    width, beats = sizes["WIDTH"], sizes["BEATS"]
    given = pack(draw(np.random.default_rng(1), (60 * beats, 1), width), 1, width)
    source, sink = Source(dut, given, idle), Sink(dut, stall)
    base = Base(dut, source, beats)
    bench = Bench(dut, (base, source, sink))  # the base looks before the source forgets its offer
    await bench.start()
    await bench.run(lambda: len(source.clocks) == len(given), 100 * len(given) + 500)
    for _ in range(60):
        await bench.step()
    bench.stop()
    compare(sink.beats, [beat for i, beat in enumerate(given) if base.passed[i // beats]])
    assert set(base.passed) == {True, False}
