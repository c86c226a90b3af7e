"""sl_batch_end: TLAST at the ends of batches of changing lengths, and their number."""

from __future__ import annotations

import random
from typing import Any

from shiftloom.rtl_sim.benches.lasts import LastSink, LastSource, check_lasts
from shiftloom.rtl_sim.benches.streams import bench_test, paced_test, parameters

BATCHES = (1, 1, 3, 2, 0, 1, 4, 1)


class _Batches:
    """Drives the length of the next batch from the first beat of one on; checks the counter."""

    def __init__(self, dut: Any, sink: LastSink, lengths: list[int]) -> None:
        self.dut, self.sink, self.lengths = dut, sink, lengths
        self.done = 0
        self.pulses = 0
        dut.batch.value = lengths[0]

    def drive(self) -> None:
        """That of the batch after the one whose first beat was taken."""
        begun = self.done + bool(self.sink.beats and not self.sink.beats[-1] >> self.sink.width)
        self.dut.batch.value = self.lengths[min(begun, len(self.lengths) - 1)]

    def look(self, clock: int) -> None:
        """Compare with the ends taken in the clocks before."""
        done = sum(beat >> self.sink.width for beat in self.sink.beats)
        assert int(self.dut.batches.value) == done, f"clock {clock}: batches"
        assert int(self.dut.batch_done.value) == done - self.done, f"clock {clock}: batch_done"
        self.done = done


def _stream(rng: random.Random, width: int, length: int) -> tuple[list[int], list[int]]:
    """Beats of the frames of a batch, and the same with TLAST on the last one alone."""
    given: list[int] = []
    for _ in range(max(1, length)):
        count = rng.randint(1, 3)
        given += [rng.getrandbits(width) | (i == count - 1) << width for i in range(count)]
    made = [beat & ((1 << width) - 1) for beat in given]
    return given, [*made[:-1], made[-1] | 1 << width]


@paced_test
async def marks_the_ends_of_batches(dut: Any, idle: str, stall: str) -> None:
    """Each batch has the length that was there as it began."""
    (width,) = parameters(dut, "WIDTH").values()
    rng = random.Random(2)
    streams = [_stream(rng, width, length) for length in BATCHES]
    source = LastSource(dut, [beat for given, _ in streams for beat in given], width, idle)
    sink = LastSink(dut, width, stall)
    batches = _Batches(dut, sink, list(BATCHES))
    expected = [beat for _, made in streams for beat in made]
    await check_lasts(dut, source, sink, expected, [batches])
    assert batches.done == len(BATCHES)
    assert source.clocks == sink.clocks


@bench_test
async def begins_anew_after_a_reset(dut: Any) -> None:
    """A batch cut off by a reset leaves nothing behind."""
    (width,) = parameters(dut, "WIDTH").values()
    rng = random.Random(3)
    for length in (3, 2):
        given, made = _stream(rng, width, 3)
        sink = LastSink(dut, width)
        batches = _Batches(dut, sink, [3])
        count = len(given) if length == 3 else 1
        source = LastSource(dut, given[:count], width)
        await check_lasts(dut, source, sink, made[:count], [batches])
