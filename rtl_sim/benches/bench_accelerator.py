"""A whole accelerator on its three buses: every frame right, and right again after any fault."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiResp

from shiftloom.rtl_sim.benches.accelerator import Accelerator, compare, limited_test, start
from shiftloom.rtl_sim.benches.streams import Body

CHECKS: dict[str, Body] = {}
"""The checks of this bench by name, as plain coroutine functions."""


def check(**options: Sequence[object]) -> Callable[[Body], Any]:
    """Make `body(dut, ...)` a cocotb test for each choice of options, and one of CHECKS."""

    def make(body: Body) -> Any:
        CHECKS[body.__name__] = body
        return limited_test(**options)(body)

    return make


@check(idle=("full", "bursty"), stall=("full", "slow"))
async def gives_every_frame_once(dut: Any, idle: str, stall: str) -> None:
    """Frames back to back: the golden model's integers, TLAST on each frame's last beat only."""
    accelerator = await start(dut)
    accelerator.pace(idle, stall)
    accelerator.send_right(16)
    await accelerator.check()
    await accelerator.registers.expect("ERRORS", 0)
    assert stall == "full" or accelerator.watch.refused, "the output's stalls never reach the input"


@check()
async def gives_a_lone_frame(dut: Any) -> None:
    """A frame comes out although no next frame pushes it, and the core is idle then."""
    accelerator = await start(dut)
    for number in range(3):
        accelerator.send_right(1)
        await accelerator.check(first=number)
        await accelerator.registers.expect("STATUS", 0)


@check()
async def tells_what_it_is(dut: Any) -> None:
    """MAGIC, VERSION and the digest are those of the build and of its registers.json."""
    accelerator = await start(dut)
    registers = accelerator.registers
    for name in ("MAGIC", "VERSION", "DIGEST0", "DIGEST1"):
        await registers.expect(name, registers.words[name]["reset"])
    words = [await registers.value(name) for name in ("MAGIC", "DIGEST0", "DIGEST1")]
    told = b"".join(word.to_bytes(4, "little") for word in words)
    assert told == b"SLM1" + accelerator.digest[:8]


@check()
async def refuses_unmapped_addresses(dut: Any) -> None:
    """SLVERR to both directions, and to writes where only reading is allowed; all goes on."""
    accelerator = await start(dut)
    registers = accelerator.registers
    end = max(word["offset"] for word in registers.words.values()) + 4
    for offset in (end, 0x100, 0xFFC):
        assert (await registers.read(offset))[0] == AxiResp.SLVERR, f"read of {offset:#x}"
        assert await registers.write(offset, 1) == AxiResp.SLVERR, f"write to {offset:#x}"
    assert await registers.write(registers.words["FRAMES"]["offset"], 1) == AxiResp.SLVERR
    accelerator.send_right(1)
    await accelerator.check()


@check()
async def counts_frames_and_busy_clocks(dut: Any) -> None:
    """CYCLES is the clocks from first beat in to last beat out; it moves with STATUS.busy only."""
    accelerator = await start(dut)
    registers, watch = accelerator.registers, accelerator.watch
    await registers.expect("CYCLES_LO", 0, "before the first frame")
    accelerator.sink.pause = True
    accelerator.send_right(1)
    await RisingEdge(dut.m_axis_tvalid)
    await registers.expect("STATUS", registers.bits["busy"], "while the output waits")
    await registers.expect("FRAMES", 0, "while the output waits")
    before = await registers.value("CYCLES_LO")
    assert await registers.value("CYCLES_LO") > before, "CYCLES stands still while busy"
    accelerator.sink.pause = False
    await accelerator.check()
    for _ in range(2):
        await registers.expect("CYCLES_LO", watch.last_out - watch.first_in, "after one frame")
    accelerator.send_right(7)
    await accelerator.check(first=1)
    await registers.expect("FRAMES", 8)
    await registers.expect("STATUS", 0, "after the last frame")


@check()
async def carries_into_the_high_word(dut: Any) -> None:
    """CYCLES_HI counts the wraps of CYCLES_LO."""
    accelerator = await start(dut)
    registers, watch = accelerator.registers, accelerator.watch
    dut.u_shell.u_counters.cycles.value = (1 << 32) - 8
    accelerator.send_right(1)
    await accelerator.check()
    await registers.expect("CYCLES_HI", 1)
    await registers.expect("CYCLES_LO", watch.last_out - watch.first_in - 8)


async def _clear(accelerator: Accelerator, bit: int, by_command: bool) -> None:
    """Clear an error bit, which must be set alone, and see that it stays cleared."""
    registers = accelerator.registers
    await registers.expect("ERRORS", bit)
    await registers.set("ERRORS", 0x7 & ~bit)
    await registers.expect("ERRORS", bit, "after the other bits were cleared")
    if by_command:
        await registers.set("CONTROL", registers.bits["clear_errors"])
    else:
        await registers.set("ERRORS", bit)
    await registers.expect("ERRORS", 0, "after it was cleared")


@check(by_command=(False, True), idle=("full", "bursty"))
async def repairs_wrong_frames(dut: Any, by_command: bool, idle: str) -> None:
    """A frame too short or too long sets its bit, and the frames around it are right."""
    accelerator = await start(dut)
    accelerator.pace(idle, "full")
    bits = accelerator.registers.bits
    for frame in accelerator.wrong:
        accelerator.send_right(1)
        accelerator.send(frame)
        accelerator.send_right(1)
        await accelerator.check(first=len(accelerator.sent) - 3)
        short = len(frame.data) < accelerator.length
        await _clear(accelerator, bits["short_frame" if short else "long_frame"], by_command)


@check(by_command=(False, True))
async def reports_an_unused_code(dut: Any, by_command: bool) -> None:
    """A word of 111 codes in a weight memory sets its bit; with the word put right, all is."""
    accelerator = await start(dut)
    memory = dut
    for name in accelerator.code_memory.split("."):
        memory = getattr(memory, name)
    word = int(memory[0].value)
    memory[0].value = (1 << len(memory[0])) - 1
    try:
        accelerator.send_right(1)
        await accelerator.outputs(1)
        await _clear(accelerator, accelerator.registers.bits["bad_code"], by_command)
    finally:
        memory[0].value = word
    accelerator.send_right(2)
    await accelerator.check(first=1)
    await accelerator.registers.expect("ERRORS", 0, "after the code was put right")


@check(soft=(False, True), stalled=(False, True))
async def is_right_after_reset(dut: Any, soft: bool, stalled: bool) -> None:
    """Resets at random moments: the frames under way go, all that start later come out right."""
    accelerator = await start(dut)
    rng = random.Random(7 + stalled)
    watch, first, inside, waiting = accelerator.watch, 0, 0, 0
    for _ in range(16):
        accelerator.pace("bursty", "bursty")
        accelerator.send_right(3)
        await ClockCycles(dut.aclk, rng.randint(1, 200))
        if stalled:
            accelerator.pace("bursty", "never")
            await ClockCycles(dut.aclk, rng.randint(1, 200))
        resetting = cocotb.start_soon(accelerator.reset(soft, rng.randint(1, 3)))
        await RisingEdge(dut.rst)
        compare(accelerator.take(), [frame.output for frame in accelerator.sent[first:]])
        first, inside, waiting = watch.started, inside + watch.inside, waiting + watch.stalled
        await resetting
    assert inside >= 4, "too few resets in mid-frame"
    assert not stalled or waiting >= 4, "too few resets while the output waits"
    await _ends_right(accelerator, first)


async def _ends_right(accelerator: Accelerator, first: int) -> None:
    """All frames from number `first` on come out; only they are counted, and no error was seen."""
    accelerator.pace("bursty", "bursty")
    accelerator.send_right(3)
    await accelerator.check(first)
    await accelerator.registers.expect("FRAMES", len(accelerator.sent) - first, "since the reset")
    await accelerator.registers.expect("ERRORS", 0)
