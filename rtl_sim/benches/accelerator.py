"""What stands around a whole accelerator in its bench: source, sink, bus master, and a watch.

What to send and what to expect is a JSON file, whose path comes in the environment variable
ACCELERATOR: `digest` and `registers` of the build, `code_memory` (where below the top a matrix
unit keeps its codes), and the frames in `right` and `wrong`, the wrong ones too short or too long,
each with its `data` (bytes as sent) and `output` (the golden model's integers, 32 bits each).
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any, TypeVar

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, ReadOnly
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

from shiftloom.rtl_sim.benches.streams import Body, bursts

PATIENCE = 5_000
"""Clocks after which an output that has not come counts as lost."""
QUIET = 200
"""Clocks without a further output beat after the last expected one."""

Output = tuple[int, ...]
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Frame:
    """A frame as it is sent, and what the accelerator must make of it."""

    data: bytes
    output: Output


class Registers:
    """The control registers by their names in registers.json."""

    def __init__(self, dut: Any, described: Sequence[dict[str, Any]]) -> None:
        bus = AxiLiteBus.from_prefix(dut, "s_axi")
        self.master = AxiLiteMaster(bus, dut.aclk, dut.aresetn, reset_active_level=False)
        self.words = {word["name"]: word for word in described}
        self.bits = {f["name"]: 1 << f["lsb"] for word in described for f in word["fields"]}

    async def read(self, offset: int) -> tuple[Any, int]:
        """Response and word."""
        answer = await self.master.read(offset, 4)
        return answer.resp, int.from_bytes(answer.data, "little")

    async def value(self, name: str) -> int:
        """The word of a register, which must be readable."""
        response, word = await self.read(self.words[name]["offset"])
        assert response == AxiResp.OKAY, f"{name}: {response}"
        return word

    async def expect(self, name: str, word: int, when: str = "") -> None:
        """Require a register's word."""
        got = await self.value(name)
        assert got == word, f"{name}: got {got:#x}, expected {word:#x} {when}".rstrip()

    async def write(self, offset: int, word: int) -> Any:
        """Write a word; the response."""
        return (await self.master.write(offset, word.to_bytes(4, "little"))).resp

    async def set(self, name: str, word: int) -> None:
        """Write the word of a register, which must be writable."""
        response = await self.write(self.words[name]["offset"], word)
        assert response == AxiResp.OKAY, f"{name}: {response}"


class Watch:
    """Looks at both streams in every clock; fails on an offered output beat that changes.

    `started` counts the frames whose first beat was accepted, `refused` the clocks in which an
    offered input beat was not; `inside` says that the input is inside a frame.
    """

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.clock = self.started = self.refused = 0
        self.inside = False
        self.waiting: tuple[int, int] | None = None  # the output beat offered and not taken
        self.first_in = self.last_out = 0  # clocks of the latest first and last beat
        cocotb.start_soon(self._run())

    @property
    def stalled(self) -> bool:
        """An output beat waits to be taken."""
        return self.waiting is not None

    async def _run(self) -> None:
        while True:
            await FallingEdge(self.dut.aclk)
            await ReadOnly()  # what a memory drives at this edge may change s_axis_tready
            self.clock += 1
            self._look_at_input()
            self._look_at_output()

    def _look_at_input(self) -> None:
        if not int(self.dut.s_axis_tvalid.value):
            return
        if not int(self.dut.s_axis_tready.value):
            self.refused += 1
        else:
            if not self.inside:
                self.started += 1
                self.first_in = self.clock
            self.inside = not int(self.dut.s_axis_tlast.value)

    def _look_at_output(self) -> None:
        if int(self.dut.rst.value):
            self.waiting = None
            return
        valid, taken = int(self.dut.m_axis_tvalid.value), int(self.dut.m_axis_tready.value)
        beat = (int(self.dut.m_axis_tdata.value), int(self.dut.m_axis_tlast.value))
        if self.waiting is not None:
            assert valid, "m_axis_tvalid fell before its beat was accepted"
            assert beat == self.waiting, "an output beat changed before it was accepted"
        self.waiting = beat if valid and not taken else None
        if valid and taken and beat[1]:
            self.last_out = self.clock


class Accelerator:
    """The device under test between a source, a sink and a bus master."""

    def __init__(self, dut: Any) -> None:
        vectors = json.loads(Path(os.environ["ACCELERATOR"]).read_text("utf-8"))
        self.dut = dut
        self.digest = bytes.fromhex(vectors["digest"])
        self.code_memory: str = vectors["code_memory"]
        self.right, self.wrong = (
            [Frame(bytes(f["data"]), tuple(f["output"])) for f in vectors[kind]]
            for kind in ("right", "wrong")
        )
        self.length = len(self.right[0].data)
        self.sent: list[Frame] = []
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.aclk)
        # A driver drops the part of a frame that it holds when it resets the core.
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.aclk, dut.rst)
        self.registers = Registers(dut, vectors["registers"])
        for agent in (self.source, self.sink):
            agent.log.setLevel("WARNING")
        self.watch = Watch(dut)

    def pace(self, idle: str, stall: str) -> None:
        """Let source and sink never pause ("full"), at random ("bursty"), nearly always ("slow")
        or for good ("never").
        """
        seed = 2 * len(self.sent)
        self.source.set_pause_generator(PAUSES[idle](seed))
        self.sink.set_pause_generator(PAUSES[stall](seed + 1))

    def send(self, *frames: Frame) -> None:
        """Queue frames at the source."""
        for frame in frames:
            self.sent.append(frame)
            self.source.send_nowait(AxiStreamFrame(frame.data))

    def send_right(self, count: int) -> None:
        """Queue frames of the right length, all different from the last ones."""
        self.send(*(self.right[(len(self.sent) + n) % len(self.right)] for n in range(count)))

    def take(self) -> list[Output]:
        """The output frames received since the last call, as TLAST separates them."""
        frames = [self.sink.recv_nowait() for _ in range(self.sink.count())]
        return [tuple(np.frombuffer(bytes(f.tdata), "<i4").tolist()) for f in frames]

    async def outputs(self, count: int) -> list[Output]:
        """Wait for all input to go and `count` output frames to come, then for any more of them."""
        for _ in range(PATIENCE // 10):
            if self.sink.count() >= count and self.source.idle():
                break
            await ClockCycles(self.dut.aclk, 10)
        await ClockCycles(self.dut.aclk, QUIET)
        return self.take()

    async def check(self, first: int = 0) -> None:
        """Require the outputs of all frames sent from number `first` on, and nothing more."""
        expected = [frame.output for frame in self.sent[first:]]
        got = await self.outputs(len(expected))
        compare(got, expected)
        assert len(got) == len(expected), f"got {len(got)} frames, expected {len(expected)}"
        assert not self.sink.active, "an output frame without an end"

    async def reset(self, soft: bool, clocks: int) -> None:
        """Reset by CONTROL.soft_reset, or by aresetn for some clocks."""
        await FallingEdge(self.dut.aclk)
        if soft:
            await self.registers.set("CONTROL", self.registers.bits["soft_reset"])
            return
        self.dut.aresetn.value = 0
        for _ in range(clocks):
            await FallingEdge(self.dut.aclk)
        self.dut.aresetn.value = 1


async def start(dut: Any) -> Accelerator:
    """The accelerator after a reset, its buses idle."""
    return await reset_around(dut, Accelerator)


async def reset_around(dut: Any, make: Callable[[Any], _Made]) -> _Made:
    """Start the clock and reset; what is made in between has idle buses at the end of the reset."""
    dut.aresetn.value = 0
    Clock(dut.aclk, 10, "ns").start()
    await ClockCycles(dut.aclk, 4)
    made = make(dut)
    await FallingEdge(dut.aclk)
    dut.aresetn.value = 1
    await ClockCycles(dut.aclk, 4)
    return made


def limited_test(**options: Sequence[object]) -> Callable[[Body], Any]:
    """Make `body(dut, ...)` a cocotb test for each choice of options.

    It ends, as failed, where the accelerator hangs.
    """

    def make(body: Body) -> Any:
        every = cocotb.parametrize(**options)(body) if options else body
        return cocotb.test(timeout_time=200, timeout_unit="us")(every)

    return make


def _slowly(seed: int) -> Iterator[bool]:
    """Endless seeded pauses of up to 60 clocks, one active clock after each."""
    rng = random.Random(seed)
    while True:
        yield from repeat(True, rng.randint(20, 60))
        yield False


PAUSES: dict[str, Callable[[int], Iterator[bool]]] = {
    "full": lambda _seed: repeat(False),
    "bursty": bursts,
    "slow": _slowly,
    "never": lambda _seed: repeat(True),
}
"""For each pace of a source or a sink, whether it pauses in each clock, from a seed."""


def compare(got: Sequence[Output], expected: Sequence[Output]) -> None:
    """Require the output frames got to be those expected, as far as both go."""
    for index, (frame, want) in enumerate(zip(got, expected, strict=False)):
        assert frame == want, f"frame {index}: got {frame}, expected {want}"
