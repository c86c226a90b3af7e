"""A generated board top of the shell mm, its memory all around: batches, errors, resets.

The file in ACCELERATOR is that of board.py. Every burst is checked.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

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
