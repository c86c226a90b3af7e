"""sl_axi_write: words and bursts, throughput, order of channels, errors, flushes in mid-traffic."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from shiftloom.rtl_sim.benches.axi_memory import Order, Pace, WriteMemory
from shiftloom.rtl_sim.benches.commands import (
    Command,
    Commands,
    Flush,
    Words,
    random_commands,
    varied_test,
)
from shiftloom.rtl_sim.benches.streams import Bench, Source, bench_test

PACES = (Pace(1, 1), Pace(40, 40), Pace(20, 200, pauses=True))
ORDERS: tuple[Order, ...] = ("any", "address_first", "data_first")


class Done:
    """Counts done, which must come for each command once, not before all of its responses."""

    def __init__(self, dut: Any, memory: WriteMemory, commands: Sequence[Command]) -> None:
        self.pin, self.memory, self.count = dut.done, memory, 0
        self.bursts = [command.bursts(int(dut.BURST.value)) for command in commands]

    def drive(self) -> None:
        """Nothing to drive."""

    def look(self, clock: int) -> None:
        """Count, and compare with the responses given until the clock before."""
        given = self.memory.answered
        if int(self.pin.value):
            self.count += 1
            needed = sum(self.bursts[: self.count])
            assert given == needed, f"clock {clock}: done after {given} responses, not {needed}"


def _beats(rng: random.Random, commands: Sequence[Command]) -> list[int]:
    return [rng.getrandbits(64) for command in commands for _ in command.words]


def _written(commands: Sequence[Command], beats: Sequence[int]) -> Words:
    """The memory after all commands."""
    words, beat = Words(), iter(beats)
    for command in commands:
        for word in command.words:
            words[word] = next(beat)
    return words


async def _run(
    dut: Any,
    given: Sequence[Command],
    pace: Pace,
    idle: str = "full",
    order: Order = "any",
    seed: int = 1,
) -> tuple[Source, WriteMemory]:
    """All commands, every word of the memory checked."""
    beats = _beats(random.Random(seed), given)
    words = Words()
    dut.flush.value = 0
    memory = WriteMemory(dut, words, pace, seed, order=order)
    done, source = Done(dut, memory, given), Source(dut, beats, idle, seed)
    bench = Bench(dut, (done, Commands(dut, given), source, memory))
    await bench.start()
    limit = 2000 + 40 * len(beats) + 300 * sum(done.bursts)
    await bench.run(lambda: done.count >= len(given), limit)
    for _ in range(50):
        await bench.step()
    bench.stop()
    assert words == _written(given, beats)
    assert done.count == len(given)
    assert len(memory.address.bursts) == sum(done.bursts) == memory.answered
    assert (memory.blank, len(memory.beats)) == (0, 0)
    return source, memory


@varied_test(pace=PACES, idle=("full", "bursty"), order=ORDERS)
async def writes_the_words_of_every_command(dut: Any, pace: Pace, idle: str, order: Order) -> None:
    """Random commands, many of them unaligned or across 4 KiB."""
    for seed in (1, 2):
        given = random_commands(random.Random(seed), 25, 90)
        await _run(dut, given, pace, idle, order, seed)


@bench_test
async def flows_at_full_rate(dut: Any) -> None:
    """0.97 beats a clock over a long command, as long as 16 bursts cover the latency."""
    covered = min(100, 14 * int(dut.BURST.value))
    source, memory = await _run(dut, [Command(3, 6000)], Pace(covered, covered))
    assert len(source.beats) >= 0.97 * (source.clocks[-1] + 1)
    assert memory.most > 1


@bench_test
async def offers_addresses_ahead_of_data(dut: Any) -> None:
    """Without data, 16 bursts are offered, and no more before the first response."""
    dut.flush.value = 0
    memory = WriteMemory(dut, Words(), Pace(1, 1))
    commands, source = Commands(dut, [Command(0, 20 * int(dut.BURST.value))]), Source(dut, [])
    bench = Bench(dut, (commands, source, memory))
    await bench.start()
    for _ in range(60):
        await bench.step()
    clocks = [burst.clock for burst in memory.address.bursts]
    assert clocks == list(range(commands.clocks[0] + 2, commands.clocks[0] + 18))


@bench_test
async def keeps_an_error(dut: Any) -> None:
    """SLVERR for one burst: the others are written, error stays, and flush clears it."""
    given = [Command(0, 40), Command(1000, 30)]
    beats = _beats(random.Random(4), given)
    memory = WriteMemory(dut, words := Words(), Pace(9, 9), errors={1005})
    done, flush = Done(dut, memory, given), Flush(dut, commands := Commands(dut, given))
    bench = Bench(dut, (done, commands, Source(dut, beats), memory, flush))
    await bench.start()
    await bench.run(lambda: done.count == 1, 400)
    assert int(dut.error.value) == 0
    await bench.run(lambda: done.count == 2, 400)
    assert words == _written(given, beats)
    assert int(dut.error.value) == 1
    flush.start(1)
    await bench.step()
    assert int(dut.error.value) == 0


@varied_test(pace=PACES, order=ORDERS)
async def is_right_after_a_flush(dut: Any, pace: Pace, order: Order) -> None:
    """At any moment: bursts are finished with nothing written, then all is clean."""
    rng, words = random.Random(3), Words()
    memory = WriteMemory(dut, words, pace, errors=range(64, 131_072, 512), order=order)
    commands, source = Commands(dut, ()), Source(dut, [], "bursty")
    flush = Flush(dut, commands)
    bench = Bench(dut, (commands, source, memory, flush))
    await bench.start()
    for _ in range(12):
        given = random_commands(rng, 6, 60)
        beats = _beats(rng, given)
        commands.give(given)
        _offer(source, beats[: rng.randrange(len(beats))])
        before = dict(words)
        for _ in range(rng.randrange(250)):
            await bench.step()
        flush.start(rng.choice((1, 1, 3)))
        while flush.clocks:
            await bench.step()
        commands.drop()
        accepted = beats[: len(source.clocks)]
        await bench.run(lambda: not flush.busy(), 9000)
        assert int(dut.error.value) == 0
        assert (len(memory.open), len(memory.due), len(memory.beats)) == (0, 0, 0)
        assert len(source.clocks) == len(accepted), "data was accepted in a flush"
        _check_written(words, before, given, accepted)
        await _whole(dut, bench, rng, words)


def _offer(source: Source, beats: Sequence[int]) -> None:
    """Make these the beats of the source, from the first one on."""
    source.beats, source.clocks, source.offering = beats, [], False


def _check_written(
    words: Words, before: dict[int, int], given: Sequence[Command], accepted: Sequence[int]
) -> None:
    """Require that accepted beats were written, and nothing else."""
    flat = [word for command in given for word in command.words]
    expected = {**before, **dict(zip(flat, accepted, strict=False))}
    assert dict(words) == expected


async def _whole(dut: Any, bench: Bench, rng: random.Random, words: Words) -> None:
    """Commands from start to end."""
    commands, source, memory, _ = bench.agents
    assert isinstance(commands, Commands)
    assert isinstance(source, Source)
    assert isinstance(memory, WriteMemory)
    given = random_commands(rng, 3, 40)
    beats = _beats(rng, given)
    _offer(source, beats)
    commands.give(given)
    before = dict(words)
    answers = memory.answered + sum(c.bursts(int(dut.BURST.value)) for c in given)
    await bench.run(lambda: memory.answered == answers, 9000)
    _check_written(words, before, given, beats)
