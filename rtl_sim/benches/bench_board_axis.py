"""A generated board top of the shell axis between streams of words: batches, ends, resets.

The file in ACCELERATOR is that of board.py.
"""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge, ReadOnly

from shiftloom.rtl_sim.benches.accelerator import limited_test
from shiftloom.rtl_sim.benches.board import WORD, Board, check_interrupt
from shiftloom.rtl_sim.benches.board import start as start_board
from shiftloom.rtl_sim.benches.lasts import LastSink, LastSource

SHORT_FRAME = 1


class Setup:
    """A board between its streams."""

    def __init__(self, board: Board, idle: str, stall: str) -> None:
        self.board = board
        self.source = LastSource(board.dut, [], 8 * WORD, idle, 3, "s_axis")
        self.sink = LastSink(board.dut, 8 * WORD, stall, 4, "m_axis")
        self.next_frame = 0
        self.done = 0
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        clock = 0
        while True:
            await FallingEdge(self.board.dut.aclk)
            self.source.drive()
            self.sink.drive()
            await ReadOnly()
            self.source.look(clock)
            if not int(self.board.dut.rst.value):  # a reset of the shell gives up what it offers
                self.sink.look(clock)
            else:
                self.sink.waiting = None
            clock += 1

    def give(self, frames: int, last: bool) -> list[int]:
        """Offer frames, TLAST on the last word of all of them or nowhere; a batch of outputs."""
        results: list[int] = []
        for _ in range(frames):
            self.source.given += self.board.frame(self.next_frame)
            results += self.board.output(self.next_frame)
            self.next_frame += 1
        if last:
            self.source.given[-1] |= 1 << 8 * WORD
        results[-1] |= 1 << 8 * WORD
        return results

    async def expect(self, results: list[int]) -> None:
        """Require these words to come, and no more of them."""
        dut = self.board.dut
        limit = 500 + 40 * (len(self.source.given) + len(results)) + 20 * self.board.clocks
        for _ in range(limit):
            if len(self.sink.beats) >= len(results):
                break
            await ClockCycles(dut.aclk, 1)
        await ClockCycles(dut.aclk, 50)
        for index, (word, want) in enumerate(zip(self.sink.beats, results, strict=False)):
            assert word == want, f"word {index}: got {word:#x}, expected {want:#x}"
        got = len(self.sink.beats)
        assert got == len(results), f"got {got} words, expected {len(results)}"
        self.sink.beats.clear()


async def _start(dut: Any, idle: str, stall: str) -> Setup:
    return Setup(await start_board(dut), idle, stall)


@limited_test(idle=("full", "bursty"), stall=("full", "bursty", "late"))
async def gives_every_batch(dut: Any, idle: str, stall: str) -> None:
    """Batches of several lengths, with TLAST at the end of the words or nowhere."""
    setup = await _start(dut, idle, stall)
    board, registers = setup.board, setup.board.registers
    for done, (batch, frames) in enumerate(((1, 1), (3, 3), (2, 4), (0, 1)), 1):
        await registers.set("BATCH", batch)
        results = []
        for _ in range(frames // max(batch, 1)):
            results += setup.give(max(batch, 1), last=done != 2)
        await setup.expect(results)
        total = {1: 1, 2: 2, 3: 4, 4: 5}[done]
        await registers.expect("BATCHES", total)
        await board.check_stalls()
        await check_interrupt(board)
    await registers.expect("SHELL_STATUS", 0)
    await registers.expect("ERRORS", 0)


@limited_test()
async def takes_a_batch_as_it_begins(dut: Any) -> None:
    """A BATCH that is written while a batch is under way is that of the next one."""
    setup = await _start(dut, "full", "full")
    registers = setup.board.registers
    await registers.set("BATCH", 9)
    first = setup.give(9, last=False)
    setup.sink.stopped = True
    await ClockCycles(dut.aclk, 500 + 2 * setup.board.clocks)
    await registers.set("BATCH", 1)
    setup.sink.stopped = False
    await setup.expect(first)
    await setup.expect(setup.give(1, last=False))
    await registers.expect("BATCHES", 2)
    await setup.board.check_stalls()
    assert all(seen.count > 0 for seen in setup.board.stalls.values()), "no stall"


@limited_test(idle=("full", "bursty"))
async def ends_a_frame_at_an_early_last(dut: Any, idle: str) -> None:
    """The core tells of a short frame; those that come later are right."""
    setup = await _start(dut, idle, "full")
    board, registers = setup.board, setup.board.registers
    for words in range(1, board.in_words):
        setup.source.given += board.frame(0)[:words]
        setup.source.given[-1] |= 1 << 8 * WORD
        for _ in range(500 + 2 * board.clocks):
            if len(setup.sink.beats) == board.out_words:
                break
            await ClockCycles(dut.aclk, 1)
        setup.sink.beats.clear()
        await registers.expect("ERRORS", SHORT_FRAME, f"after {words} words")
        await registers.set("ERRORS", SHORT_FRAME)
        await setup.expect(setup.give(1, last=True))
        await registers.expect("ERRORS", 0)
        await registers.expect("SHELL_STATUS", 0)


@limited_test(stopped=(False, True))
async def is_right_after_reset(dut: Any, stopped: bool) -> None:
    """Resets at random moments, also with an output that no one takes; later frames are right."""
    setup = await _start(dut, "bursty", "bursty")
    board, rng, inside = setup.board, random.Random(7), 0
    await board.registers.set("BATCH", 2)
    for _ in range(16):
        setup.sink.stopped = stopped
        setup.give(rng.randint(1, 5), last=False)
        await ClockCycles(dut.aclk, rng.randint(1, 4 * board.clocks))
        inside += int(dut.in_open.value)
        resetting = cocotb.start_soon(board.reset(1_000))
        for _ in range(1_000):
            if int(dut.shell_reset.value):
                break
            await ClockCycles(dut.aclk, 1)
        await ClockCycles(dut.aclk, 1)
        await FallingEdge(dut.aclk)
        setup.source.drop()
        setup.source.valid.value = 0
        await resetting
        setup.sink.beats.clear()
        setup.sink.stopped = False
        await setup.expect(setup.give(2, last=True))
        await board.registers.expect("BATCHES", 1)
        await board.check_stalls()
        await board.registers.expect("ERRORS", 0)
    assert inside >= 4, f"{inside} resets in mid-frame"
