"""sl_frame_close: frames pass as they are; one that a reset cuts off is ended by one beat."""

from __future__ import annotations

import random
from typing import Any

from shiftloom.rtl_sim.benches.commands import varied_test
from shiftloom.rtl_sim.benches.lasts import LastSink, LastSource, check_lasts
from shiftloom.rtl_sim.benches.streams import Bench, paced_test, parameters


def _frames(rng: random.Random, width: int, count: int) -> list[int]:
    """Frames of 1 to 5 beats, TLAST above the bits of a beat."""
    beats = []
    for _ in range(count):
        length = rng.randint(1, 5)
        beats += [rng.getrandbits(width) | (i == length - 1) << width for i in range(length)]
    return beats


@paced_test
async def passes_every_beat(dut: Any, idle: str, stall: str) -> None:
    """In no time, and open tells of the frame under way."""
    (width,) = parameters(dut, "WIDTH").values()
    beats = _frames(random.Random(1), width, 30)
    source, sink = LastSource(dut, list(beats), width, idle), LastSink(dut, width, stall)
    await check_lasts(dut, source, sink, beats)
    assert source.clocks == sink.clocks
    assert not int(dut.open.value)


class _Free(LastSink):
    """A sink for which an offered beat may give way to another."""

    def look(self, clock: int) -> None:
        self.waiting = None
        super().look(clock)
        self.waiting = None


@varied_test(held=(1, 2, 30))
async def ends_what_a_reset_cuts_off(dut: Any, held: int) -> None:
    """In resets of `held` clocks at random moments: one beat with TLAST where m is in a frame."""
    (width,) = parameters(dut, "WIDTH").values()
    rng = random.Random(held)
    source = LastSource(dut, [], width, "bursty")
    sink = _Free(dut, width, "bursty")
    bench = Bench(dut, (source, sink))
    await bench.start()
    for _ in range(10):
        await bench.step()
    cut = 0
    for _ in range(40):
        source.given += _frames(rng, width, 4)
        for _ in range(rng.randint(1, 30)):
            await bench.step()
        inside = bool(sink.beats) and not sink.beats[-1] >> width
        before, passed = len(sink.beats), len(source.clocks)
        assert int(dut.open.value) == inside
        dut.rst.value = 1
        for _ in range(held):
            await bench.step()
        dut.rst.value = 0
        assert len(source.clocks) == passed, "a beat is taken in reset"
        source.drop()
        await bench.run(lambda: not int(dut.open.value), 200)
        for _ in range(3):
            await bench.step()
        closing = sink.beats[before:]
        assert [beat >> width for beat in closing] == [1] * inside, f"closed by {closing}"
        cut += inside
    assert cut >= 5
    bench.stop()
