"""Ends of streams with TLAST: each beat has it above its data, in the bit of the data's width."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any

from shiftloom.rtl_sim.benches.streams import Agent, Bench, Sink, Source, compare

LIMIT = 2000


class LastSource(Source):
    """Offers `given`, to which further beats may be added, of `width` bits and TLAST."""

    def __init__(
        self,
        dut: Any,
        given: list[int],
        width: int,
        pace: str = "full",
        seed: int = 1,
        prefix: str = "s",
    ) -> None:
        self.last = getattr(dut, f"{prefix}_tlast")
        self.given, self.width = given, width
        super().__init__(dut, (), pace, seed, prefix)

    def drive(self) -> None:
        """Offer the next beat, apart from its TLAST."""
        beat = self.given[len(self.clocks)] if len(self.clocks) < len(self.given) else 0
        self.beats = [*repeat(beat & ((1 << self.width) - 1), len(self.given))]
        super().drive()
        self.last.value = beat >> self.width

    def drop(self) -> None:
        """Forget the beats that were not accepted."""
        del self.given[len(self.clocks) :]
        self.offering = False


class LastSink(Sink):
    """Takes beats of `width` bits and TLAST; takes none while it is `stopped`."""

    def __init__(
        self, dut: Any, width: int, pace: str = "full", seed: int = 2, prefix: str = "m"
    ) -> None:
        self.last = getattr(dut, f"{prefix}_tlast")
        self.width = width
        self.stopped = False
        self.held = 0
        super().__init__(dut, pace, seed, prefix)

    def drive(self) -> None:
        """Decide this clock's ready."""
        super().drive()
        if self.stopped:
            self.accepting = False
            self.ready.value = 0

    def look(self, clock: int) -> None:
        """Take the beat with its TLAST, which must stay as it is while it is offered."""
        count, last = len(self.beats), int(self.last.value)
        waited = self.waiting is not None
        super().look(clock)
        if waited:
            assert last == self.held, f"clock {clock}: tlast changed before it was accepted"
        self.held = last
        if len(self.beats) > count:
            self.beats[-1] |= last << self.width


async def check_lasts(
    dut: Any,
    source: Source,
    sink: LastSink,
    expected: Sequence[int],
    agents: Sequence[Agent] = (),
) -> Bench:
    """Send all beats of the source and require exactly `expected`."""
    bench = Bench(dut, (*agents, source, sink))
    await bench.start()
    count = len(source.given) if isinstance(source, LastSource) else len(source.beats)
    await bench.run(
        lambda: len(source.clocks) == count and len(sink.beats) >= len(expected),
        LIMIT + 40 * (count + len(expected)),
    )
    for _ in range(50):
        await bench.step()
    bench.stop()
    compare(sink.beats, expected)
    return bench
