"""The board top with a serial line, driven over its two pins by the host's own link."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import FallingEdge, ReadOnly

from shiftloom.host.accelerator import Accelerator
from shiftloom.host.errors import SerialError
from shiftloom.host.frames import Bytes
from shiftloom.host.registers import Registers
from shiftloom.host.serial_link import SerialLink
from shiftloom.rtl_sim.benches.serial import Line
from shiftloom.rtl_sim.benches.streams import bench_test, parameters

CLOCKS_A_SECOND = 20_000
"""Of the time in which the link waits."""


class Wire:
    """A `Port` of the link whose other end are the pins; `spoil` may change what is sent."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.line = Line(dut, parameters(dut, "CLOCKS")["CLOCKS"])
        self.clock = self.taken = 0
        self.spoil: Callable[[bytes], bytes] = bytes
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        while True:
            await FallingEdge(self.dut.aclk)
            self.line.drive()
            await ReadOnly()
            self.line.look(self.clock)
            self.clock += 1

    def read(self, timeout: float) -> bytes:
        """What has arrived."""
        data: bytes = resume(self._read)(timeout)
        return data

    def write(self, data: bytes) -> None:
        """Send it, or what becomes of it."""
        resume(self._write)(self.spoil(data))

    def now(self) -> float:
        """Of the clock of the board."""
        return self.clock / CLOCKS_A_SECOND

    async def _read(self, timeout: float) -> bytes:
        end = self.clock + timeout * CLOCKS_A_SECOND
        while self.taken == len(self.line.heard) and self.clock < end:
            await FallingEdge(self.dut.aclk)
        data = bytes(self.line.heard[self.taken :])
        self.taken += len(data)
        return data

    async def _write(self, data: bytes) -> None:
        self.line.send(data)
        while not self.line.sent:
            await FallingEdge(self.dut.aclk)


class Board:
    """The board, its link, and frames with their outputs, both as bytes."""

    def __init__(self, wire: Wire, given: dict[str, Any]) -> None:
        size = given["out_beat_bits"] // 8
        outputs = [
            b"".join(value.to_bytes(size, "little", signed=True) for value in frame["output"])
            for frame in given["right"]
        ]
        self.frames = np.array([frame["data"] for frame in given["right"]], np.uint8)
        self.outputs = np.array([list(output) for output in outputs], np.uint8)
        self.described = {"registers": given["registers"]}
        self.wire = wire
        self.link = SerialLink(
            wire, self.frames.shape[1], self.outputs.shape[1], patience=1.0, quiet=0.1
        )

    @property
    def registers(self) -> Registers:
        """The registers at the end of the link."""
        return Registers(self.link, self.described)

    def check(self, frames: slice) -> None:
        """The outputs of these frames are right."""
        got: Bytes = self.link.frames(self.frames[frames])
        assert np.array_equal(got, self.outputs[frames]), f"{got} of {self.outputs[frames]}"


async def on_board(dut: Any, body: Callable[[Board], None]) -> None:
    """Run `body` beside the simulation, after a reset."""
    given = json.loads(Path(os.environ["ACCELERATOR"]).read_text("utf-8"))
    dut.aresetn.value, dut.rxd.value = 0, 1
    Clock(dut.aclk, 10, "ns").start()
    for _ in range(8):
        await FallingEdge(dut.aclk)
    dut.aresetn.value = 1
    wire = Wire(dut)
    await bridge(lambda: body(Board(wire, given)))()


def _gives_every_frame(board: Board) -> None:
    assert board.registers.read("MAGIC") == int.from_bytes(b"SLM1", "little")
    assert board.registers.read("SHELL") == 3
    board.check(slice(None))
    assert board.registers.read("FRAMES") == len(board.frames)
    assert board.registers.read("ERRORS") == board.registers.read("SHELL_ERRORS") == 0
    assert board.registers.read("SHELL_STATUS") == 0


@bench_test
async def gives_every_frame(dut: Any) -> None:
    """All frames over the line, two under way, equal to the golden model's; counters tell."""
    await on_board(dut, _gives_every_frame)


def _runs_the_driver(board: Board) -> None:
    folder = Path(os.environ["ACCELERATOR"]).parent
    described = json.loads((folder / "host/accelerator.json").read_text("utf-8"))
    frames = board.frames.reshape(len(board.frames), *described["inputs"][0]["shape"])
    with Accelerator.over(board.link, folder, timeout=300.0) as accelerator:
        got = accelerator.predict(frames, batch=3)
        assert accelerator.counters.frames == len(frames)
        assert accelerator.errors == ()
    assert isinstance(got, np.ndarray)
    outputs = board.outputs.view("<i4").reshape(len(frames), -1)
    assert np.array_equal(got.reshape(len(frames), -1), outputs)


@bench_test
async def runs_the_driver(dut: Any) -> None:
    """The driver as it ships, over the line."""
    await on_board(dut, _runs_the_driver)


def _gets_over_damage(board: Board) -> None:
    sent = 0

    def spoil(data: bytes) -> bytes:
        nonlocal sent
        sent += 1
        place = sent % len(data)
        if sent % 5 == 2:
            return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
        return data[:place] + data[place + 1 :] if sent % 5 == 4 else data

    board.wire.spoil = spoil
    board.check(slice(None))
    for _ in range(6):
        assert board.registers.read("SHELL") == 3
    assert sent > len(board.frames) + 6, "nothing was sent again"
    assert board.registers.read("ERRORS") == 0


@bench_test
async def gets_over_damage(dut: Any) -> None:
    """Commands with a changed or a lost byte are sent again, and every output is right."""
    await on_board(dut, _gets_over_damage)


def _is_right_after_resets(board: Board) -> None:
    for first in range(4):
        board.wire.write(b"F" + bytes(first * 9))  # a host that has died in mid-frame
        board.link = SerialLink(board.wire, board.link.in_bytes, board.link.out_bytes, 1.0, 0.1)
        registers = board.registers
        registers.write("SHELL_CONTROL", 1)
        registers.write("CONTROL", registers.mask("CONTROL", "soft_reset"))
        while registers.read("SHELL_STATUS"):
            pass
        registers.write("SHELL_CONTROL", 0)
        board.check(slice(first, first + 2))
        assert board.registers.read("FRAMES") == 2
    try:
        board.link.read(0xFFC)
    except SerialError as error:
        told = str(error)
    assert told == (
        "reading the register at 0xffc is answered by SLVERR; see registers.json of the build"
    )


@bench_test
async def is_right_after_resets(dut: Any) -> None:
    """A new link gets over half a command; after a reset of all, frames are right."""
    await on_board(dut, _is_right_after_resets)
