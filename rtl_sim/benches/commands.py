"""What the benches of sl_axi_read and sl_axi_write share: commands and a memory's first words."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cocotb

from shiftloom.rtl_sim.benches.streams import Body

PAGE_WORDS = 512


@dataclass(frozen=True)
class Command:
    """`beats` words from `word` on."""

    word: int
    beats: int

    @property
    def words(self) -> range:
        """Their indices."""
        return range(self.word, self.word + self.beats)

    def bursts(self, longest: int) -> int:
        """Blocks of `longest` words that it touches, a burst each."""
        return self.words[-1] // longest - self.word // longest + 1


class Words(dict[int, int]):
    """A memory in which every word that was not written is a function of its index."""

    def __missing__(self, word: int) -> int:
        """A value that differs from word to word."""
        return (word + 1) * 0x9E37_79B9_7F4A_7C15 & 0xFFFF_FFFF_FFFF_FFFF


def random_commands(rng: random.Random, count: int, longest: int) -> list[Command]:
    """Commands anywhere in a megabyte, half of them near a boundary of 4 KiB."""
    found = []
    for _ in range(count):
        word = rng.randrange(255) * PAGE_WORDS + rng.choice((0, rng.randrange(PAGE_WORDS)))
        if rng.random() < 0.5:
            word = max(0, word - word % PAGE_WORDS - rng.randrange(40))
        found.append(Command(word, rng.choice((1, rng.randint(1, longest)))))
    return found


class Commands:
    """Offers commands one after the other; `clocks[i]` is the clock command i was accepted."""

    def __init__(self, dut: Any, commands: Sequence[Command]) -> None:
        self.valid, self.ready = dut.cmd_valid, dut.cmd_ready
        self.address, self.beats = dut.cmd_addr, dut.cmd_beats
        self.commands = list(commands)
        self.clocks: list[int] = []
        self.valid.value = 0

    def give(self, commands: Sequence[Command]) -> None:
        """More commands, behind those before."""
        self.commands += commands

    def drop(self) -> None:
        """Forget those that were not accepted."""
        del self.commands[len(self.clocks) :]

    def drive(self) -> None:
        """Offer the next one."""
        offering = len(self.clocks) < len(self.commands)
        self.valid.value = int(offering)
        if offering:
            command = self.commands[len(self.clocks)]
            self.address.value = 8 * command.word
            self.beats.value = command.beats

    def look(self, clock: int) -> None:
        """Note an accepted one."""
        if len(self.clocks) < len(self.commands) and int(self.ready.value):
            self.clocks.append(clock)


class Flush:
    """Drives flush; requires that no command is accepted until the module is no longer busy."""

    def __init__(self, dut: Any, commands: Commands) -> None:
        self.pin, self.is_busy, self.ready = dut.flush, dut.busy, dut.cmd_ready
        self.commands = commands
        self.clocks = 0
        self.flushed = False
        self.pin.value = 0

    def start(self, clocks: int) -> None:
        """Flush in the clocks that come."""
        self.clocks = clocks

    def busy(self) -> bool:
        """Whether old traffic is still under way."""
        return bool(int(self.is_busy.value))

    def drive(self) -> None:
        """Set flush."""
        self.pin.value = int(self.clocks > 0)

    def look(self, clock: int) -> None:
        """Compare busy and cmd_ready."""
        if self.flushed:
            assert self.busy(), f"clock {clock}: busy is 0 after a flush"
        self.flushed = self.clocks > 0
        if self.flushed or self.busy():
            assert not int(self.ready.value), f"clock {clock}: cmd_ready is 1 while it is busy"
        self.clocks = max(0, self.clocks - 1)


def varied_test(**options: Sequence[object]) -> Callable[[Body], Any]:
    """Make `body(dut, ...)` a cocotb test for each choice of options."""

    def make(body: Body) -> Any:
        return cocotb.test()(cocotb.parametrize(**options)(body))

    return make
