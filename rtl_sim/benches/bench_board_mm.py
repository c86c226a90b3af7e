"""A generated board top of the shell mm, its memory all around: batches, errors, resets.

The file in ACCELERATOR is that of board.py. Every burst is checked.
"""

from __future__ import annotations

import random
from collections.abc import Container
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge, ReadOnly

from shiftloom.rtl_sim.benches.accelerator import limited_test
from shiftloom.rtl_sim.benches.axi_memory import Master, Pace, ReadMemory, WriteMemory
from shiftloom.rtl_sim.benches.board import Board, check_interrupt
from shiftloom.rtl_sim.benches.board import start as start_board
from shiftloom.rtl_sim.benches.commands import Words

IN, OUT = 0x1000_0FF8, 0x2000_0008
"""Byte addresses, next to a page's end and behind a page's beginning."""
READ_ERROR, WRITE_ERROR, START_REFUSED = 1, 2, 4
PACES = (Pace(1, 1), Pace(40, 40), Pace(10, 60, pauses=True))
LATENCY = 40


@dataclass
class Memory:
    """The memory behind the shell's master, once a clock; nothing moves while it is `stopped`."""

    dut: Any
    reads: ReadMemory
    writes: WriteMemory
    words: Words
    stopped: bool = False
    clock: int = 0

    async def run(self) -> None:
        """Serve the master for good."""
        while True:
            await FallingEdge(self.dut.aclk)
            for agent in (self.reads, self.writes):
                agent.drive()
            if self.stopped:
                self._stop()
            await ReadOnly()
            for agent in (self.reads, self.writes):
                agent.look(self.clock)
            self.clock += 1

    def _stop(self) -> None:
        """No handshake in this clock; what is offered stays."""
        for address in (self.reads.address, self.writes.address):
            address.drive(ready=False)
        self.reads.offering = False
        self.reads.pins["valid"].value = 0
        self.writes.taking = False
        self.writes.data_ready.value = 0


@dataclass
class Setup:
    """A board with its memory; batches are put where no other was."""

    board: Board
    memory: Memory
    next_frame: int = 0
    next_word: int = 0

    async def start(self, frames: int) -> tuple[int, int]:
        """Put frames into the memory and start them; their first number, and where they go."""
        board, registers = self.board, self.board.registers
        first, at = self.next_frame, self.next_word
        self.next_frame += frames
        self.next_word += frames * max(board.in_words, board.out_words) + 1
        for number in range(frames):
            for index, word in enumerate(board.frame(first + number)):
                self.memory.words[IN // 8 + at + number * board.in_words + index] = word
        await registers.set("BATCH", frames)
        await registers.set("IN_ADDRESS", IN + 8 * at)
        await registers.set("OUT_ADDRESS", OUT + 8 * at)
        await registers.set("START", 1)
        return first, OUT // 8 + at

    def check(self, batch: tuple[int, int], frames: int) -> None:
        """Require the outputs of a batch, and nothing behind them."""
        first, at = batch
        expected = [word for number in range(frames) for word in self.board.output(first + number)]
        got = [self.memory.words[at + index] for index in range(len(expected))]
        for index, (word, want) in enumerate(zip(got, expected, strict=True)):
            assert word == want, f"word {index}: got {word:#x}, expected {want:#x}"
        around = {at - 1, at + len(expected)} & self.memory.words.keys()
        assert not around, f"words beside the batch are written: {sorted(around)}"

    def limit(self, frames: int) -> int:
        """Clocks in which so many frames are certainly done."""
        words = self.board.in_words + self.board.out_words
        return 500 + frames * (self.board.clocks + 100 * words)


async def _start(dut: Any, pace: Pace, errors: Container[int] = ()) -> Setup:
    """The board with its memory in place."""
    words, master = Words(), Master("m0_axi", 16)
    reads = ReadMemory(dut, words, pace, 1, errors, master)
    writes = WriteMemory(dut, words, pace, 9, errors, "any", master)
    board = await start_board(dut)
    memory = Memory(dut, reads, writes, words)
    cocotb.start_soon(memory.run())  # not before the reset: of the bus nothing is left by then
    return Setup(board, memory)


@limited_test(pace=PACES)
async def gives_every_batch(dut: Any, pace: Pace) -> None:
    """Batches of several lengths, two queued at a time, all outputs in place."""
    setup = await _start(dut, pace)
    board, registers = setup.board, setup.board.registers
    done = 0
    for lengths in ((1, 1), (3, 2), (1, 5)):
        starts = [await setup.start(frames) for frames in lengths]
        done += 2
        await board.wait_batches(done, setup.limit(sum(lengths)))
        for start, frames in zip(starts, lengths, strict=True):
            setup.check(start, frames)
        await board.check_stalls()
    await registers.expect("SHELL_STATUS", 0)
    await registers.expect("SHELL_ERRORS", 0)
    await registers.expect("ERRORS", 0)
    await check_interrupt(board)


@limited_test()
async def loses_no_clock_between_batches(dut: Any) -> None:
    """At a latency of 40, frames follow each other as they do within a batch."""
    setup = await _start(dut, Pace(LATENCY, LATENCY))
    ends: list[int] = []
    cocotb.start_soon(_note_ends(dut, ends))
    lengths = (12, 8, 12)
    starts = [await setup.start(frames) for frames in lengths[:2]]
    await setup.board.wait_batches(1, setup.limit(12))
    starts.append(await setup.start(lengths[2]))
    await setup.board.wait_batches(3, setup.limit(20))
    for start, frames in zip(starts, lengths, strict=True):
        setup.check(start, frames)
    steps = {after - before for before, after in pairwise(ends[4:])}
    assert len(ends) == sum(lengths), f"{len(ends)} frames ended"
    assert len(steps) == 1, f"clocks from frame to frame: {sorted(steps)}"


async def _note_ends(dut: Any, ends: list[int]) -> None:
    """The clocks in which frames end at the output of the core."""
    clock = 0
    while True:
        await FallingEdge(dut.aclk)
        await ReadOnly()
        clock += 1
        if all(int(getattr(dut, f"out_{pin}").value) for pin in ("tvalid", "tready", "tlast")):
            ends.append(clock)


@limited_test()
async def refuses_starts_of_no_use(dut: Any) -> None:
    """No frames, wrong addresses, a third batch: an error, nothing moves, no batch more is done."""
    setup = await _start(dut, Pace(5, 20))
    registers = setup.board.registers
    right = {"BATCH": 1, "IN_ADDRESS": IN, "OUT_ADDRESS": OUT}
    for name, value in (("BATCH", 0), ("IN_ADDRESS", IN + 4), ("OUT_ADDRESS", OUT + 1)):
        for other, word in (right | {name: value}).items():
            await registers.set(other, word)
        await registers.set("START", 1)
        await registers.expect("SHELL_ERRORS", START_REFUSED, f"for {name}")
        await registers.set("SHELL_ERRORS", START_REFUSED)
        await registers.expect("SHELL_ERRORS", 0, "after it was cleared")
        await registers.expect("SHELL_STATUS", 0)
    setup.memory.stopped = True
    starts = [await setup.start(2) for _ in range(2)]
    await registers.expect("SHELL_ERRORS", 0, "with two batches")
    await registers.set("START", 1)
    await registers.expect("SHELL_ERRORS", START_REFUSED, "with three batches")
    setup.memory.stopped = False
    await setup.board.wait_batches(2, setup.limit(4))
    for begun in starts:
        setup.check(begun, 2)
    await ClockCycles(dut.aclk, setup.limit(2))
    await registers.expect("BATCHES", 2)
    await registers.expect("SHELL_STATUS", 0)


@limited_test(side=("read", "write"))
async def tells_errors_of_the_bus(dut: Any, side: str) -> None:
    """The error of that side alone, until it is cleared; the batch ends, the next one is right."""
    wrong = IN // 8 + 1 if side == "read" else OUT // 8 + 1
    setup = await _start(dut, Pace(5, 20), errors=(wrong,))
    registers = setup.board.registers
    error = READ_ERROR if side == "read" else WRITE_ERROR
    await setup.start(2)
    await setup.board.wait_batches(1, setup.limit(2))
    await registers.expect("SHELL_ERRORS", error)
    await registers.set("SHELL_ERRORS", error)
    await registers.expect("SHELL_ERRORS", 0, "after it was cleared")
    second = await setup.start(2)
    await setup.board.wait_batches(2, setup.limit(2))
    setup.check(second, 2)
    await registers.expect("SHELL_ERRORS", 0)


@limited_test(stopped=(False, True))
async def is_right_after_reset(dut: Any, stopped: bool) -> None:
    """Resets at random moments, also with a bus that stands still; the next batches are right."""
    setup = await _start(dut, Pace(5, 40, pauses=True))
    board, rng, inside = setup.board, random.Random(7), 0
    for _ in range(12):
        starts = [await setup.start(rng.randint(1, 3)) for _ in range(2)]
        await ClockCycles(dut.aclk, rng.randint(1, 3 * board.clocks))
        setup.memory.stopped = stopped
        await ClockCycles(dut.aclk, rng.randint(1, 2 * board.clocks) if stopped else 1)
        inside += int(dut.in_open.value)
        resetting = cocotb.start_soon(board.reset(4_000))
        if stopped:
            await ClockCycles(dut.aclk, 600)
            setup.memory.stopped = False
        await resetting
        starts = [await setup.start(frames) for frames in (1, 2)]
        await board.wait_batches(2, setup.limit(3))
        for begun, frames in zip(starts, (1, 2), strict=True):
            setup.check(begun, frames)
        await board.check_stalls()
        await board.registers.expect("ERRORS", 0)
        await board.registers.expect("SHELL_ERRORS", 0)
    assert inside >= 2, f"{inside} resets in mid-frame"
