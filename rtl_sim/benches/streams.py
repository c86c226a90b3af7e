"""What the benches share: seeded stream agents, packing of elements into beats, one check.

Every agent acts once a clock. At the falling edge all agents drive, then, with everything
settled, all agents look: what they see is exactly what the module samples at the next rising
edge, so a handshake is "valid and ready seen in the same clock", in any simulator, without races.
The clocks of a run are counted from the first one in which beats may be offered.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import cocotb
import numpy as np
import numpy.typing as npt
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

SOURCE_PACES = ("full", "bursty")
SINK_PACES = ("full", "bursty", "late")

IntArray = npt.NDArray[np.int64]


class Agent(Protocol):
    """Something that drives and watches pins once a clock."""

    def drive(self) -> None:
        """Set the driven pins for this clock."""

    def look(self, clock: int) -> None:
        """Read the settled pins of this clock."""


def bursts(seed: int) -> Iterator[bool]:
    """Endless seeded activity: alternating active and pausing runs of 1 to 12 clocks."""
    rng = random.Random(seed)
    active = rng.random() < 0.5
    while True:
        for _ in range(rng.choice((1, 1, 1, 2, 3, 5, 12))):
            yield active
        active = not active


class Source:
    """Offers `beats` on one stream; an offered beat stays until it is accepted.

    `pace` is "full" (always offering) or "bursty". `clocks[i]` is the clock beat i was accepted.
    """

    def __init__(
        self, dut: Any, beats: Sequence[int], pace: str = "full", seed: int = 1, prefix: str = "s"
    ) -> None:
        self.valid = getattr(dut, f"{prefix}_tvalid")
        self.ready = getattr(dut, f"{prefix}_tready")
        self.data = getattr(dut, f"{prefix}_tdata")
        self.beats = beats
        self.pattern = bursts(seed) if pace == "bursty" else None
        self.offering = False
        self.clocks: list[int] = []
        self.valid.value = 0
        self.data.value = 0

    def drive(self) -> None:
        """Offer the next beat where the pattern allows, keep a waiting one."""
        active = self.pattern is None or next(self.pattern)
        pending = len(self.clocks) < len(self.beats)
        self.offering = pending and (self.offering or active)
        self.valid.value = int(self.offering)
        if self.offering:
            self.data.value = self.beats[len(self.clocks)]

    def look(self, clock: int) -> None:
        """Note an accepted beat."""
        if self.offering and int(self.ready.value):
            self.clocks.append(clock)
            self.offering = False


class Sink:
    """Accepts the beats of one stream and checks that an offered beat stays as it is.

    `pace` is "full" (always ready), "bursty", or "late" (ready only after valid was seen, which a
    valid that waits for ready never survives). `clocks[i]` is the clock beat i was given.
    """

    def __init__(self, dut: Any, pace: str = "full", seed: int = 2, prefix: str = "m") -> None:
        self.valid = getattr(dut, f"{prefix}_tvalid")
        self.ready = getattr(dut, f"{prefix}_tready")
        self.data = getattr(dut, f"{prefix}_tdata")
        self.pace = pace
        self.pattern = bursts(seed)
        self.accepting = False
        self.waiting: int | None = None
        self.beats: list[int] = []
        self.clocks: list[int] = []
        self.ready.value = 0

    def drive(self) -> None:
        """Decide this clock's ready without looking at this clock's valid."""
        active = next(self.pattern)
        self.accepting = {
            "full": True,
            "bursty": active,
            "late": active and self.waiting is not None,
        }[self.pace]
        self.ready.value = int(self.accepting)

    def look(self, clock: int) -> None:
        """Take the beat, if any; a beat that was offered and not taken must still be there."""
        valid = bool(int(self.valid.value))
        beat = int(self.data.value) if valid else None
        if self.waiting is not None:
            assert valid, f"clock {clock}: tvalid fell before its beat was accepted"
            assert beat == self.waiting, f"clock {clock}: tdata changed before it was accepted"
        if beat is not None and self.accepting:
            self.beats.append(beat)
            self.clocks.append(clock)
        self.waiting = None if self.accepting else beat


class Rom:
    """A memory port with synchronous read: `data` shows `words[addr]` one clock after `en`."""

    def __init__(self, enable: Any, address: Any, data: Any, words: Sequence[int]) -> None:
        self.enable, self.address, self.data, self.words = enable, address, data, words
        self.word = 0
        self.data.value = 0

    def drive(self) -> None:
        """Show the word that was read in the clock before."""
        self.data.value = self.word

    def look(self, _clock: int) -> None:
        """Read where enabled; an address outside the memory reads as 0."""
        if int(self.enable.value):
            address = int(self.address.value)
            self.word = self.words[address] if address < len(self.words) else 0


@dataclass
class Bench:
    """The clock of one module under test and the agents on its pins."""

    dut: Any
    agents: Sequence[Agent]
    clock: int = field(default=0, init=False)
    oscillator: Clock | None = field(default=None, init=False)

    async def start(self) -> None:
        """Start the clock and hold reset for four clocks, the agents quiet."""
        self.dut.rst.value = 1
        self.oscillator = Clock(self.dut.clk, 10, "ns")
        self.oscillator.start()
        for _ in range(4):
            await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0

    def stop(self) -> None:
        """Stop the clock, so that another bench may start its own."""
        if self.oscillator is not None:
            self.oscillator.stop()

    async def step(self) -> None:
        """One clock, from falling edge to falling edge: all agents drive, then all look."""
        for agent in self.agents:
            agent.drive()
        await ReadOnly()
        for agent in self.agents:
            agent.look(self.clock)
        self.clock += 1
        await FallingEdge(self.dut.clk)

    async def run(self, done: Callable[[], bool], limit: int) -> None:
        """Step until `done`; fails after `limit` further clocks."""
        end = self.clock + limit
        while not done():
            assert self.clock < end, f"not done after {limit} clocks"
            await self.step()


async def check_stream(
    dut: Any,
    beats: Sequence[int],
    expected: Sequence[int],
    idle: str = "full",
    stall: str = "full",
    *,
    seed: int = 1,
    agents: Sequence[Agent] = (),
    limit: int | None = None,
) -> tuple[Source, Sink]:
    """Send `beats` through the module and require exactly `expected`, nothing more.

    `idle` and `stall` are the paces of source and sink, `agents` drive further pins. The sink
    also fails on an offered beat that changes. Returns both ends for their `clocks`.
    """
    sources, sinks = await check_streams(
        dut, {"s": beats}, {"m": expected}, idle, stall, seed=seed, agents=agents, limit=limit
    )
    return sources[0], sinks[0]


async def check_streams(
    dut: Any,
    beats: Mapping[str, Sequence[int]],
    expected: Mapping[str, Sequence[int]],
    idle: str = "full",
    stall: str = "full",
    *,
    seed: int = 1,
    agents: Sequence[Agent] = (),
    limit: int | None = None,
) -> tuple[list[Source], list[Sink]]:
    """The same for a module of several streams, by the prefix of their pins."""
    sources = [
        Source(dut, given, idle, seed + 2 * index, prefix)
        for index, (prefix, given) in enumerate(beats.items())
    ]
    sinks = [
        Sink(dut, stall, seed + 1 + 2 * index, prefix) for index, prefix in enumerate(expected)
    ]
    bench = Bench(dut, (*agents, *sources, *sinks))
    await bench.start()
    total = sum(map(len, (*beats.values(), *expected.values())))
    await bench.run(
        lambda: (
            all(len(source.clocks) == len(source.beats) for source in sources)
            and all(len(s.beats) >= len(e) for s, e in zip(sinks, expected.values(), strict=True))
        ),
        limit if limit is not None else 2000 + 40 * total,
    )
    for _ in range(50):
        await bench.step()
    bench.stop()
    for sink, wanted in zip(sinks, expected.values(), strict=True):
        compare(sink.beats, wanted)
    return sources, sinks


def compare(beats: Sequence[int], expected: Sequence[int]) -> None:
    """Require equal sequences; the message names the first difference."""
    for index, (got, want) in enumerate(zip(beats, expected, strict=False)):
        assert got == want, f"beat {index}: got {got:#x}, expected {want:#x}"
    assert len(beats) == len(expected), f"got {len(beats)} beats, expected {len(expected)}"


def check_rate(source: Source, sink: Sink, latency: int, beats: int = 1) -> None:
    """Require that no beat waited, and an output `latency` clocks after every `beats` of them."""
    assert source.clocks == list(range(len(source.clocks)))
    assert sink.clocks == [clock + latency for clock in source.clocks[beats - 1 :: beats]]


def pack(values: npt.ArrayLike, elements: int, bits: int) -> list[int]:
    """Cut `values`, in their flat order, into beats, element 0 in the low bits."""
    flat = np.asarray(values, dtype=np.int64).reshape(-1, elements)
    mask = (1 << bits) - 1
    return [
        sum((int(value) & mask) << (bits * index) for index, value in enumerate(row))
        for row in flat
    ]


def unpack(beats: Sequence[int], elements: int, bits: int, signed: bool = False) -> IntArray:
    """The elements of `beats` as an array of shape (len(beats), elements)."""
    mask = (1 << bits) - 1
    rows = [[(beat >> (bits * index)) & mask for index in range(elements)] for beat in beats]
    array = np.array(rows, dtype=np.int64).reshape(len(beats), elements)
    return np.where(array >> (bits - 1) != 0, array - (1 << bits), array) if signed else array


def draw(
    rng: np.random.Generator, shape: tuple[int, ...], bits: int, signed: bool = False
) -> IntArray:
    """Random integers over the whole range of `bits`, the two extremes made frequent."""
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    values = rng.integers(low, high, size=shape, endpoint=True)
    extreme = rng.choice(np.array([low, high]), size=shape)
    return np.where(rng.random(shape) < 0.2, extreme, values)


def parameters(dut: Any, *names: str) -> Mapping[str, int]:
    """The module's parameters, as it was built."""
    return {name: int(getattr(dut, name).value.to_signed()) for name in names}


Body = Callable[..., Coroutine[Any, Any, None]]


def bench_test(body: Body) -> Any:
    """Make `body(dut)` a cocotb test."""
    return cocotb.test()(body)


def paced_test(body: Body) -> Any:
    """Make `body(dut, idle, stall)` a cocotb test for every pair of source and sink paces."""
    return cocotb.test()(cocotb.parametrize(idle=SOURCE_PACES, stall=SINK_PACES)(body))


def varied_test(**options: Sequence[object]) -> Callable[[Body], Any]:
    """Make `body(dut, ...)` a cocotb test for every choice of options."""

    def make(body: Body) -> Any:
        return cocotb.test()(cocotb.parametrize(**options)(body))

    return make
