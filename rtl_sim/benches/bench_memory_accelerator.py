"""A generated accelerator with masters: resets in mid-traffic, a base of no use, bus errors.

The file in ACCELERATOR (see accelerator.py) also has `image`, the first words of the memory, which
the masters share; `bursts`, the most beats of a burst of each master; and `clocks`, about those of
a frame. Every burst is checked.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge, ReadOnly, RisingEdge

from shiftloom.rtl_sim.benches.accelerator import Accelerator, compare, limited_test, start
from shiftloom.rtl_sim.benches.axi_memory import Master, Pace, ReadMemory, WriteMemory
from shiftloom.rtl_sim.benches.commands import Words

BASE = 0x2000_0000
BUS_ERROR, MISALIGNED = 8, 16


def _given() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(os.environ["ACCELERATOR"]).read_text("utf-8"))
    return found


class Memory:
    """All ports of the memory, once a clock."""

    def __init__(self, dut: Any, pace: Pace, errors: tuple[int, ...] = ()) -> None:
        self.dut, words = dut, Words()
        given = _given()
        masters = [Master(f"m{i}_axi", burst) for i, burst in enumerate(given["bursts"])]
        words.update((BASE // 8 + index, word) for index, word in enumerate(given["image"]))
        wrong = [BASE // 8 + word for word in errors]
        reads = [ReadMemory(dut, words, pace, i, wrong, m) for i, m in enumerate(masters)]
        writes = [WriteMemory(dut, words, pace, 9, wrong, "any", master) for master in masters]
        self.agents: tuple[ReadMemory | WriteMemory, ...] = (*reads, *writes)

    def bursts(self) -> int:
        """Bursts of all ports so far."""
        return sum(len(agent.address.bursts) for agent in self.agents)

    async def run(self) -> None:
        """Serve the masters for good."""
        clock = 0
        while True:
            await FallingEdge(self.dut.aclk)
            for agent in self.agents:
                agent.drive()
            await ReadOnly()
            for agent in self.agents:
                agent.look(clock)
            clock += 1


async def _start(dut: Any, pace: Pace, errors: tuple[int, ...] = ()) -> tuple[Accelerator, Memory]:
    """The accelerator with its memory in place."""
    memory = Memory(dut, pace, errors)
    accelerator = await start(dut)
    cocotb.start_soon(memory.run())  # not before the reset: of the bus nothing is left by then
    await accelerator.registers.set("MEMORY_BASE", BASE)
    return accelerator, memory


@limited_test(pace=(Pace(1, 1), Pace(10, 60, pauses=True)))
async def is_right_after_reset(dut: Any, pace: Pace) -> None:
    """Soft resets at random moments: the bus keeps its rules, later frames come out right."""
    accelerator, memory = await _start(dut, pace)
    rng, first, under_way = random.Random(5), 0, 0
    for _ in range(16):
        accelerator.pace("bursty", "bursty")
        accelerator.send_right(2)
        await ClockCycles(dut.aclk, rng.randint(1, 2 * _given()["clocks"]))
        resetting = cocotb.start_soon(accelerator.reset(True, 1))
        await RisingEdge(dut.rst)
        compare(accelerator.take(), [frame.output for frame in accelerator.sent[first:]])
        first = accelerator.watch.started
        under_way += any(agent.under_way for agent in memory.agents)
        await resetting
    assert under_way >= 4, "too few resets in mid-traffic"
    accelerator.send_right(2)
    await accelerator.check(first)
    await accelerator.registers.expect("ERRORS", 0)


@limited_test()
async def drops_frames_of_a_base_of_no_use(dut: Any) -> None:
    """No burst, no output, an error; with the right base all is well again."""
    accelerator, memory = await _start(dut, Pace(5, 20))
    registers = accelerator.registers
    await registers.set("MEMORY_BASE", BASE + 8)
    accelerator.send_right(2)
    assert await accelerator.outputs(0) == []
    assert memory.bursts() == 0
    await registers.expect("ERRORS", MISALIGNED)
    await registers.expect("STATUS", 0)
    await registers.set("MEMORY_BASE", BASE)
    await registers.set("ERRORS", MISALIGNED)
    accelerator.send_right(2)
    await accelerator.check(2)
    await registers.expect("ERRORS", 0)
    await registers.expect("FRAMES", 2)


@limited_test()
async def keeps_an_error_of_the_bus(dut: Any) -> None:
    """Until a soft reset; then it can be cleared."""
    accelerator, _ = await _start(dut, Pace(5, 20), errors=(3,))
    registers = accelerator.registers
    accelerator.send_right(1)
    await accelerator.check()
    await registers.expect("ERRORS", BUS_ERROR)
    await registers.set("ERRORS", BUS_ERROR)
    await registers.expect("ERRORS", BUS_ERROR, "before the reset")
    await accelerator.reset(True, 1)
    await registers.set("ERRORS", BUS_ERROR)
    await registers.expect("ERRORS", 0, "after the reset")
