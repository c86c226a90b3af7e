"""A generated memory with a load port, against its first words and those that are loaded.

The environment variable RAM has its `words` and its `width` as JSON.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from shiftloom.rtl_sim.benches.streams import bench_test

PIECE = 0xFFFF_FFFF


def bus(valid: bool, last: bool, memory: int, word: int, data: int) -> int:
    """The load bus: {valid, last, memory, word, data}."""
    return valid << 61 | last << 60 | memory << 52 | word << 32 | data


class Memory:
    """The device under test beside a list of its words."""

    def __init__(self, dut: Any) -> None:
        described = json.loads(os.environ["RAM"])
        self.dut = dut
        self.words = [int(word, 16) for word in described["words"]]
        self.width: int = described["width"]

    async def clock(self, load: int = 0, read: int | None = None) -> None:
        """One clock with something on the bus, and a read."""
        self.dut.load.value = load
        self.dut.en.value, self.dut.addr.value = read is not None, read or 0
        await FallingEdge(self.dut.clk)

    async def read(self, address: int) -> None:
        """Require the word of an address, and that it stays without enable."""
        await self.clock(read=address)
        for _ in range(2):
            assert int(self.dut.data.value) == self.words[address], f"address {address}"
            await self.clock()

    async def put(self, memory: int, address: int, word: int) -> None:
        """Send a word in pieces, the lowest first, with gaps in which the bus holds anything."""
        pieces = -(-self.width // 32)
        for piece in range(pieces):
            last, data = piece == pieces - 1, word >> 32 * piece & PIECE
            await self.clock(bus(True, last, memory, address, data))
            await self.clock(bus(False, True, memory, address, data ^ PIECE))


async def _start(dut: Any) -> Memory:
    Clock(dut.clk, 10, "ns").start()
    memory = Memory(dut)
    await memory.clock(read=0)
    return memory


@bench_test
async def has_its_first_words(dut: Any) -> None:
    """All words of the build are there before anything is loaded."""
    memory = await _start(dut)
    for address in range(len(memory.words)):
        await memory.read(address)


@bench_test
async def keeps_a_word_until_its_last_piece(dut: Any) -> None:
    """A word that was begun is as before, if it has more pieces than one."""
    memory = await _start(dut)
    for piece in range(-(-memory.width // 32) - 1):
        await memory.clock(bus(True, False, int(dut.INDEX.value), 0, piece))
        await memory.read(0)


@bench_test
async def takes_its_own_words(dut: Any) -> None:
    """Words are loaded whole, in any order; those for another memory change nothing."""
    memory, rng = await _start(dut), random.Random(1)
    mine = int(dut.INDEX.value)
    memory.words = [rng.getrandbits(memory.width) for _ in memory.words]
    for address in rng.sample(range(len(memory.words)), len(memory.words)):
        await memory.put(mine, address, memory.words[address])
        await memory.put(mine ^ 1, address, memory.words[address] ^ 1)
    for address in range(len(memory.words)):
        await memory.read(address)
