"""sl_load_port: what is pushed goes on, piece by piece and word by word, while nothing runs."""

from __future__ import annotations

import random
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from shiftloom.rtl_sim.benches.bench_ram import bus
from shiftloom.rtl_sim.benches.streams import bench_test

MEMORIES = {0: (5, 1), 3: (2, 3), 255: (1, 4095)}
"""By number: words, and pieces a word."""
SETTLES = 16
"""Clocks from the last one with a frame to `held`."""


class Port:
    """The device under test, its memories described to it in every clock."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        dut.hold.value = dut.busy.value = dut.start.value = dut.push.value = 0

    async def clock(self, **inputs: int) -> None:
        """One clock with some inputs high, all others as they were."""
        for name, value in inputs.items():
            getattr(self.dut, name).value = value
        words, pieces = MEMORIES.get(int(self.dut.at_memory.value), (0, 1))
        self.dut.words.value, self.dut.pieces.value = words, pieces
        await FallingEdge(self.dut.clk)

    async def address(self, memory: int, word: int) -> None:
        """Address a word."""
        await self.clock(start=1, memory=memory, word=word)
        await self.clock(start=0)

    async def push(self, data: int) -> int | None:
        """Push a piece: what comes on the bus, or None where it is refused."""
        await self.clock(push=1, data=data)
        load, refused = int(self.dut.load.value), int(self.dut.refused.value)
        assert refused != load >> 61, "a piece is passed on or refused"
        await self.clock(push=0)
        assert not int(self.dut.load.value) >> 61, "a piece comes twice"
        assert not int(self.dut.refused.value), "refused comes twice"
        return None if refused else load


async def _start(dut: Any, hold: bool = True) -> Port:
    dut.rst.value = 1
    Clock(dut.clk, 10, "ns").start()
    port = Port(dut)
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    await port.clock(rst=0, hold=hold)
    for _ in range(SETTLES):
        await port.clock()
    return port


@bench_test
async def passes_words_in_order(dut: Any) -> None:
    """From any word of any memory on, up to its end; what goes beyond is refused."""
    port, rng = await _start(dut), random.Random(1)
    for memory in (0, 3, 0, 1, 255, 3):
        words, pieces = MEMORIES.get(memory, (0, 1))
        first = rng.randrange(max(1, words))
        await port.address(memory, first)
        for word in range(first, words):
            for piece in range(pieces):
                data = rng.getrandbits(32)
                got, last = await port.push(data), piece == pieces - 1
                assert got == bus(True, last, memory, word, data), f"memory {memory}, word {word}"
        assert await port.push(7) is None, f"memory {memory} has no more words"
    await port.address(3, 1 << 19)
    assert await port.push(7) is None, "far beyond the memory"


@bench_test
async def begins_a_word_anew(dut: Any) -> None:
    """An address in the middle of a word begins the next one with its first piece."""
    port = await _start(dut)
    await port.address(3, 0)
    assert await port.push(1) == bus(True, False, 3, 0, 1)
    await port.address(3, 1)
    for piece in range(3):
        assert await port.push(piece) == bus(True, piece == 2, 3, 1, piece)


@bench_test
async def writes_only_while_held(dut: Any) -> None:
    """Held comes behind the last frame, goes with hold, and nothing passes without it."""
    port = await _start(dut, hold=False)
    await port.address(0, 0)
    assert not int(dut.held.value)
    assert await port.push(5) is None, "pushed without hold"
    await port.clock(hold=1, busy=1)
    for _ in range(2 * SETTLES):
        await port.clock()
        assert not int(dut.held.value), "held under a frame"
    assert await port.push(5) is None, "pushed under a frame"
    await port.clock(busy=0)
    for clock in range(2, SETTLES):
        assert not int(dut.held.value), f"held after {clock} clocks"
        await port.clock()
    assert int(dut.held.value), "never held"
    assert await port.push(5) == bus(True, True, 0, 0, 5)
    dut.hold.value = 0
    assert await port.push(6) is None, "pushed after hold"
