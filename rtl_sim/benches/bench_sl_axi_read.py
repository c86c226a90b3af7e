"""sl_axi_read: data and bursts, throughput, reads under way, errors, and flushes in mid-traffic."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from shiftloom.rtl_sim.benches.axi_memory import Pace, ReadMemory
from shiftloom.rtl_sim.benches.commands import (
    Command,
    Commands,
    Flush,
    Words,
    random_commands,
    varied_test,
)
from shiftloom.rtl_sim.benches.streams import Bench, Sink, bench_test, compare, parameters

PACES = (Pace(1, 1), Pace(40, 40), Pace(20, 200, pauses=True))


def _data(words: Words, commands: Sequence[Command]) -> list[int]:
    return [words[word] for command in commands for word in command.words]


class Count:
    """Requires m_count to be the number of beats that came and were not taken."""

    def __init__(self, dut: Any, memory: ReadMemory, sink: Sink) -> None:
        self.pin, self.memory, self.sink = dut.m_count, memory, sink
        self.expected = 0

    def drive(self) -> None:
        """What the module must show in this clock."""
        self.expected = self.memory.taken - len(self.sink.beats)

    def look(self, clock: int) -> None:
        """Compare."""
        assert int(self.pin.value) == self.expected, f"clock {clock}: m_count"


async def _run(
    dut: Any, given: Sequence[Command], pace: Pace, stall: str = "full", seed: int = 1
) -> tuple[Commands, ReadMemory, Sink]:
    """All commands, each beat checked."""
    words = Words()
    dut.flush.value = 0
    commands, memory = Commands(dut, given), ReadMemory(dut, words, pace, seed)
    sink = Sink(dut, stall, seed)
    expected = _data(words, given)
    bench = Bench(dut, (commands, memory, sink, Count(dut, memory, sink)))
    await bench.start()
    limit = 2000 + 40 * len(expected) + 250 * len(given)
    await bench.run(lambda: len(sink.beats) >= len(expected), limit)
    for _ in range(50):
        await bench.step()
    bench.stop()
    compare(sink.beats, expected)
    assert sum(burst.beats for burst in memory.address.bursts) == len(expected)
    return commands, memory, sink


@varied_test(pace=PACES, stall=("full", "bursty", "late"))
async def gives_the_words_of_every_command(dut: Any, pace: Pace, stall: str) -> None:
    """Random commands, many of them unaligned or across 4 KiB."""
    for seed in (1, 2):
        await _run(dut, random_commands(random.Random(seed), 25, 90), pace, stall, seed)


@bench_test
async def flows_at_full_rate(dut: Any) -> None:
    """0.97 beats a clock over a long command, as long as the FIFO covers the latency."""
    sizes = parameters(dut, "BURST", "FIFO")
    covered = min(100, sizes["FIFO"] - 2 * sizes["BURST"])
    _, memory, sink = await _run(dut, [Command(3, 6000)], Pace(covered, covered))
    assert len(sink.beats) >= 0.97 * (sink.clocks[-1] + 1)
    assert memory.most > 1 or covered < sizes["BURST"]


@bench_test
async def issues_a_burst_a_clock(dut: Any) -> None:
    """Commands of one beat follow each other without a pause."""
    commands, memory, _ = await _run(dut, [Command(word, 1) for word in range(60)], Pace(1, 1))
    assert commands.clocks[-1] - commands.clocks[0] == 59
    clocks = [burst.clock for burst in memory.address.bursts]
    assert clocks == list(range(clocks[0], clocks[0] + 60))
    assert clocks[0] == commands.clocks[0] + 2


@bench_test
async def reserves_a_place_for_every_beat(dut: Any) -> None:
    """With nothing taken the FIFO fills up to less than a burst of its depth, and no more."""
    sizes = parameters(dut, "BURST", "FIFO")
    dut.flush.value = 0
    given, words = [Command(5, 3 * sizes["FIFO"])], Words()
    commands, memory, sink = Commands(dut, given), ReadMemory(dut, words, Pace(30, 30)), Sink(dut)
    filling = Bench(dut, (commands, memory))
    await filling.start()
    for _ in range(2 * sizes["FIFO"] + 100):
        await filling.step()
    assert 0 <= sizes["FIFO"] - memory.taken < sizes["BURST"]
    assert int(dut.m_count.value) == memory.taken
    draining = Bench(dut, (commands, memory, sink))
    await draining.run(lambda: len(sink.beats) == 3 * sizes["FIFO"], 8 * sizes["FIFO"] + 100)
    compare(sink.beats, _data(words, given))


@bench_test
async def keeps_an_error(dut: Any) -> None:
    """SLVERR on one beat: all beats are given, error stays, and flush clears it."""
    dut.flush.value = 0
    words, given = Words(), [Command(0, 40), Command(100, 30)]
    memory, sink = ReadMemory(dut, words, Pace(9, 9), errors={110}), Sink(dut)
    bench = Bench(dut, (Commands(dut, given), memory, sink))
    await bench.start()
    await bench.run(lambda: memory.taken == 50, 400)
    assert int(dut.error.value) == 0
    await bench.run(lambda: len(sink.beats) == 70, 400)
    compare(sink.beats, _data(words, given))
    assert int(dut.error.value) == 1
    dut.flush.value = 1
    await bench.step()
    assert int(dut.error.value) == 0


@varied_test(pace=PACES)
async def is_right_after_a_flush(dut: Any, pace: Pace) -> None:
    """At any moment: what is under way is discarded, no rule is broken, then all is clean."""
    rng, words = random.Random(3), Words()
    memory, sink = ReadMemory(dut, words, pace, errors=range(0, 131_072, 64)), Sink(dut, "bursty")
    commands = Commands(dut, ())
    flush = Flush(dut, commands)
    bench = Bench(dut, (memory, commands, sink, flush))
    await bench.start()
    for _ in range(12):
        commands.give(random_commands(rng, 6, 60))
        for _ in range(rng.randrange(250)):
            await bench.step()
        flush.start(rng.choice((1, 1, 3)))
        while flush.clocks:
            await bench.step()
            sink.waiting = None
        commands.drop()
        await bench.run(lambda: not flush.busy(), 9000)
        assert (int(dut.error.value), int(dut.m_tvalid.value)) == (0, 0)
        assert not memory.queue
        sink.beats.clear()
        given = random_commands(rng, 3, 40)
        commands.give(given)
        await _receive(bench, sink, _data(words, given))


async def _receive(bench: Bench, sink: Sink, expected: Sequence[int]) -> None:
    """Run until the sink has as many beats, which must be those expected."""
    await bench.run(lambda: len(sink.beats) >= len(expected), 9000)
    compare(sink.beats, expected)
