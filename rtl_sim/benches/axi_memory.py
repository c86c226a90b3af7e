"""An AXI4 memory for the benches of masters: latency, pauses, errors, and the rules of the bus.

Words of 8 bytes, one ID. Both sides check every burst: 8-byte beats, INCR, its length, the boundary
of 4 KiB, and that what was offered stays. The clock of each handshake is kept.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Container, Iterator, MutableMapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Literal

from shiftloom.rtl_sim.benches.streams import bursts

OKAY, SLVERR = 0, 2
Order = Literal["any", "address_first", "data_first"]


@dataclass(frozen=True)
class Pace:
    """Clocks from an address to its answer, from `low` to `high`; pauses in bursts, or none."""

    low: int
    high: int
    pauses: bool = False

    def active(self, seed: int) -> Iterator[bool]:
        """Whether a channel acts, clock by clock."""
        return bursts(seed) if self.pauses else repeat(True)


@dataclass(frozen=True)
class Burst:
    """One burst: the index of its first word, its beats, the clock of its address."""

    word: int
    beats: int
    clock: int


class Address:
    """The slave's side of an address channel, `prefix` as in `m_axi_ar`."""

    def __init__(self, dut: Any, prefix: str, longest: int) -> None:
        self.pins = {
            name: getattr(dut, f"{prefix}{name}")
            for name in ("addr", "len", "size", "burst", "valid", "ready")
        }
        self.longest = longest
        self.waiting: tuple[int, ...] | None = None
        self.ready = False
        self.bursts: list[Burst] = []
        self.pins["ready"].value = 0

    def drive(self, ready: bool) -> None:
        """Set this clock's ready."""
        self.ready = ready
        self.pins["ready"].value = int(ready)

    def look(self, clock: int) -> Burst | None:
        """The burst that is taken in this clock, if any."""
        offer = None
        if int(self.pins["valid"].value):
            offer = tuple(int(self.pins[n].value) for n in ("addr", "len", "size", "burst"))
        if self.waiting is not None:
            assert offer == self.waiting, f"clock {clock}: an offered address changed"
        self.waiting = None if self.ready else offer
        if offer is None or not self.ready:
            return None
        burst = self._checked(offer, clock)
        self.bursts.append(burst)
        return burst

    def _checked(self, offer: tuple[int, ...], clock: int) -> Burst:
        """The burst, which must keep the rules."""
        address, length, size, kind = offer
        assert (size, kind, address % 8) == (3, 1, 0), f"burst {address:#x} is not of INCR words"
        assert length < self.longest, f"burst {address:#x} has {length + 1} beats"
        end = address + 8 * length
        assert address >> 12 == end >> 12, f"burst {address:#x} to {end:#x} crosses 4 KiB"
        return Burst(address // 8, length + 1, clock)


class ReadMemory:
    """The read side: beats of `words` in order, `errors` answered with SLVERR."""

    def __init__(
        self,
        dut: Any,
        words: MutableMapping[int, int],
        pace: Pace,
        seed: int = 1,
        errors: Container[int] = (),
    ) -> None:
        self.address = Address(dut, "m_axi_ar", int(dut.BURST.value))
        self.pins = {n: getattr(dut, f"m_axi_r{n}") for n in ("data", "resp", "last", "valid")}
        self.ready = dut.m_axi_rready
        self.words, self.pace, self.errors = words, pace, errors
        self.rng = random.Random(seed)
        self.takes, self.gives = pace.active(seed + 100), pace.active(seed + 200)
        self.queue: deque[tuple[int, int, bool]] = deque()  # earliest clock, word, last
        self.clock = self.most = self.taken = 0
        self.offering = False
        self.pins["valid"].value = 0

    def drive(self) -> None:
        """Take addresses by pace; give the next beat when its time has come."""
        self.address.drive(next(self.takes))
        active = next(self.gives) or self.offering
        self.offering = active and bool(self.queue) and self.queue[0][0] <= self.clock
        self.pins["valid"].value = int(self.offering)
        if self.offering:
            _, word, last = self.queue[0]
            self.pins["data"].value = self.words[word]
            self.pins["resp"].value = SLVERR if word in self.errors else OKAY
            self.pins["last"].value = int(last)

    def look(self, clock: int) -> None:
        """Note a burst taken and a beat given."""
        self.clock = clock + 1
        burst = self.address.look(clock)
        if burst is not None:
            due = clock + self.rng.randint(self.pace.low, self.pace.high)
            words = range(burst.word, burst.word + burst.beats)
            self.queue.extend((due, word, word == words[-1]) for word in words)
        self.most = max(self.most, sum(last for _, _, last in self.queue))
        if self.offering and int(self.ready.value):
            self.queue.popleft()
            self.taken += 1
            self.offering = False


class WriteMemory:
    """The write side; `order` is what it waits for before it takes the other of a burst."""

    def __init__(
        self,
        dut: Any,
        words: MutableMapping[int, int],
        pace: Pace,
        seed: int = 1,
        errors: Container[int] = (),
        order: Order = "any",
    ) -> None:
        self.address = Address(dut, "m_axi_aw", int(dut.BURST.value))
        self.pins = {n: getattr(dut, f"m_axi_w{n}") for n in ("data", "strb", "last", "valid")}
        self.data_ready = dut.m_axi_wready
        self.answer = {n: getattr(dut, f"m_axi_b{n}") for n in ("resp", "valid", "ready")}
        self.words, self.pace, self.errors, self.order = words, pace, errors, order
        self.rng = random.Random(seed)
        patterns = (pace.active(seed + n) for n in (100, 200, 300))
        self.takes, self.takes_data, self.answers = patterns
        self.open: deque[Burst] = deque()  # without all of their data
        self.beats: deque[tuple[int, int, bool]] = deque()  # data, strobe, last, of no burst yet
        self.due: deque[tuple[int, int]] = deque()  # earliest clock of a response, the response
        self.waiting: tuple[int, ...] | None = None
        self.taking = self.offering = False
        self.clock = self.most = self.answered = self.blank = self.last_beats = 0
        self.answer["valid"].value = 0

    def drive(self) -> None:
        """Take addresses and data by pace and order, and respond when the time has come."""
        takes, takes_data, answers = next(self.takes), next(self.takes_data), next(self.answers)
        seen = self.last_beats > len(self.address.bursts) or self.waiting is not None
        self.address.drive(takes and (self.order != "data_first" or bool(self.beats) or seen))
        self.taking = takes_data and (self.order != "address_first" or bool(self.open))
        if self.order == "data_first":  # one burst ahead at most
            self.taking = self.taking and self.last_beats <= len(self.address.bursts)
        self.data_ready.value = int(self.taking)
        self.offering = (answers or self.offering) and bool(self.due)
        self.offering = self.offering and self.due[0][0] <= self.clock
        self.answer["valid"].value = int(self.offering)
        if self.offering:
            self.answer["resp"].value = self.due[0][1]

    def look(self, clock: int) -> None:
        """Note the handshakes, write what is complete, plan its response."""
        self.clock = clock + 1
        burst = self.address.look(clock)
        if burst is not None:
            self.open.append(burst)
        self._look_data(clock)
        while self.open and len(self.beats) >= self.open[0].beats:
            self._write(self.open.popleft(), clock)
        self.most = max(self.most, len(self.open) + len(self.due))
        if self.offering and int(self.answer["ready"].value):
            self.due.popleft()
            self.answered += 1
            self.offering = False

    def _look_data(self, clock: int) -> None:
        offer = None
        if int(self.pins["valid"].value):
            offer = tuple(int(self.pins[name].value) for name in ("data", "strb", "last"))
        if self.waiting is not None:
            assert offer == self.waiting, f"clock {clock}: an offered beat changed"
        self.waiting = None if self.taking else offer
        if offer is not None and self.taking:
            self.beats.append((offer[0], offer[1], bool(offer[2])))
            self.last_beats += offer[2]

    def _write(self, burst: Burst, clock: int) -> None:
        words = range(burst.word, burst.word + burst.beats)
        for word in words:
            data, strobe, last = self.beats.popleft()
            assert last == (word == words[-1]), f"clock {clock}: wlast is {int(last)}"
            assert strobe in (0, 255), f"clock {clock}: wstrb is {strobe:#x}"
            self.blank += strobe == 0
            if strobe:
                self.words[word] = data
        response = SLVERR if any(word in self.errors for word in words) else OKAY
        self.due.append((clock + self.rng.randint(self.pace.low, self.pace.high), response))
