"""What stands around the board top of an accelerator in its benches: registers and a watch.

The file whose path is in the environment variable ACCELERATOR is that of accelerator.py, without
what is wrong; it also has `out_beat_bits`, and `clocks`, about those that a frame takes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge, ReadOnly

from shiftloom.rtl_sim.benches.accelerator import Registers, reset_around

WORD = 8
BATCH_DONE = 1
SOFT_RESET = 1
CLEAR_ERRORS = 2


def to_words(data: bytes) -> list[int]:
    """The words of a frame, the last one filled up with zeros."""
    whole = data.ljust(-(-len(data) // WORD) * WORD, b"\0")
    return [int.from_bytes(whole[at : at + WORD], "little") for at in range(0, len(whole), WORD)]


class Stalls:
    """Counts the clocks in which a beat waits on a stream within `dut`, as its registers do."""

    def __init__(self, dut: Any, prefix: str) -> None:
        self.dut = dut
        self.valid, self.ready = (getattr(dut, f"{prefix}_{pin}") for pin in ("tvalid", "tready"))
        self.count = 0
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        while True:
            await FallingEdge(self.dut.aclk)
            await ReadOnly()
            self.count += int(self.valid.value) and not int(self.ready.value)
            if int(self.dut.rst.value):
                self.count = 0


class Board:
    """The board top between a bus master and what the shell has; frames by their numbers."""

    def __init__(self, dut: Any) -> None:
        given = json.loads(Path(os.environ["ACCELERATOR"]).read_text("utf-8"))
        self.dut = dut
        self.clocks: int = given["clocks"]
        size = given["out_beat_bits"] // 8
        self.frames = [to_words(bytes(frame["data"])) for frame in given["right"]]
        self.outputs = [
            to_words(b"".join(v.to_bytes(size, "little", signed=True) for v in frame["output"]))
            for frame in given["right"]
        ]
        self.in_words, self.out_words = len(self.frames[0]), len(self.outputs[0])
        self.registers = Registers(dut, given["registers"])
        self.stalls = {name: Stalls(dut, name) for name in ("in", "out")}

    def frame(self, number: int) -> list[int]:
        """The words of frame `number`, any from 0 on."""
        return self.frames[number % len(self.frames)]

    def output(self, number: int) -> list[int]:
        """What must come of it."""
        return self.outputs[number % len(self.outputs)]

    async def wait_batches(self, count: int, clocks: int) -> None:
        """Wait until BATCHES says `count`."""
        for _ in range(clocks // 20 + 1):
            found = await self.registers.value("BATCHES")
            assert found <= count, f"BATCHES: got {found}, expected {count}"
            if found == count:
                return
            await ClockCycles(self.dut.aclk, 16)
        raise AssertionError(f"BATCHES: not {count} after {clocks} clocks")

    async def check_stalls(self) -> None:
        """Require the counters of waiting beats to be exact; nothing moves meanwhile."""
        for name, seen in self.stalls.items():
            await self.registers.expect(f"STALLS_{name.upper()}", seen.count)

    async def reset(self, clocks: int) -> None:
        """Reset all, as a host does; it must be done within some clocks."""
        await self.registers.set("SHELL_CONTROL", 1)
        await self.registers.set("CONTROL", SOFT_RESET | CLEAR_ERRORS)
        for _ in range(clocks // 8):
            if not await self.registers.value("SHELL_STATUS"):
                break
        else:
            raise AssertionError(f"SHELL_STATUS: moving after {clocks} clocks of reset")
        await self.registers.expect("BATCHES", 0, "in reset")
        await self.check_stalls()
        await self.registers.set("SHELL_CONTROL", 0)
        await self.registers.set("INTERRUPT", BATCH_DONE)
        await self.registers.set("ERRORS", 0xFF)


async def start(dut: Any) -> Board:
    """The board after a reset."""
    return await reset_around(dut, Board)


async def check_interrupt(board: Board) -> None:
    """The line is batch_done where it is enabled, and falls when it is cleared; it is set now."""
    registers, line = board.registers, board.dut.interrupt
    await registers.expect("INTERRUPT", BATCH_DONE)
    for enable in (0, 1):
        await registers.set("INTERRUPT_ENABLE", enable)
        assert int(line.value) == enable, f"interrupt is {line.value} with enable {enable}"
    await registers.set("INTERRUPT", BATCH_DONE)
    assert not int(line.value), "interrupt is 1 after it was cleared"
    await registers.expect("INTERRUPT", 0)
