"""A whole accelerator whose weights are loaded over AXI4-Lite, between frames and under load.

Besides what `accelerator.py` says, the vectors have `weights`: for each set of them the `writes`
that load it, as offset and word, and the `outputs` of the frames in `right`. The first set is that
of the build.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from cocotb.triggers import ClockCycles

from shiftloom.rtl_sim.benches.accelerator import Accelerator, Frame, limited_test, start

PATIENCE = 500
"""Reads of STATUS until the last frame must have gone."""


class Loader:
    """An accelerator, the sets of weights, and which of them is in it."""

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self.sets = json.loads(Path(os.environ["ACCELERATOR"]).read_text("utf-8"))["weights"]
        self.loaded: list[tuple[int, int]] = []  # the first frame of each, and the set

    @staticmethod
    async def start(dut: Any) -> Loader:
        """The accelerator after a reset, with the weights of the build."""
        loader = Loader(await start(dut))
        await loader.load(0)
        return loader

    async def load(self, number: int) -> None:
        """Load a set of weights between two frames, as a driver does."""
        accelerator, registers = self.accelerator, self.accelerator.registers
        await self.hold()
        for offset, word in self.sets[number]["writes"]:
            await registers.write(offset, word)
        self.loaded.append((accelerator.watch.started, number))
        await registers.expect("ERRORS", 0)
        await registers.set("LOAD_CONTROL", 0)

    async def hold(self) -> None:
        """Let frames under way end and no other begin; fail where STATUS.held does not come."""
        registers = self.accelerator.registers
        await registers.set("LOAD_CONTROL", registers.bits["hold"])
        for _ in range(PATIENCE):
            if await registers.value("STATUS") & registers.bits["held"]:
                break
        else:
            raise AssertionError("STATUS.held never comes")
        assert not self.accelerator.watch.inside, "held inside of a frame"

    async def check(self) -> None:
        """Require of every frame the output by the weights that it met."""
        accelerator = self.accelerator
        for index, frame in enumerate(accelerator.sent):
            number = next(n for first, n in reversed(self.loaded) if index >= first)
            place = [right.data for right in accelerator.right].index(frame.data)
            output = tuple(self.sets[number]["outputs"][place])
            accelerator.sent[index] = Frame(frame.data, output)
        await accelerator.check()


@limited_test(stall=("full", "slow"))
async def loads_between_frames(dut: Any, stall: str) -> None:
    """Several times while frames come back to back: none sees a mixture, none is lost."""
    loader = await Loader.start(dut)
    accelerator = loader.accelerator
    accelerator.pace("bursty", stall)
    for number in (1, 2, 3, 0):
        accelerator.send_right(4)
        await ClockCycles(dut.aclk, 500)
        await loader.load(number)
    accelerator.send_right(3)
    await loader.check()
    switched = [first for first, _ in loader.loaded[1:]]
    assert all(switched), "loaded before the first frame"
    assert any(first < 4 * n for n, first in enumerate(switched, 1)), "no frame ever waited"


@limited_test()
async def keeps_its_weights_in_a_reset(dut: Any) -> None:
    """Neither a soft reset nor aresetn brings the first ones back."""
    loader = await Loader.start(dut)
    accelerator = loader.accelerator
    await loader.load(1)
    for soft in (True, False):
        await accelerator.reset(soft, 3)
        await ClockCycles(dut.aclk, 8)
    accelerator.send_right(4)
    await loader.check()


@limited_test()
async def refuses_words_while_frames_run(dut: Any) -> None:
    """Nothing is written without STATUS.held, nor beyond a memory; ERRORS tells."""
    loader = await Loader.start(dut)
    accelerator, registers = loader.accelerator, loader.accelerator.registers
    refused = registers.bits["load_refused"]
    accelerator.send_right(4)
    for offset, word in loader.sets[1]["writes"]:
        await registers.write(offset, word)
    await registers.expect("ERRORS", refused)
    await registers.set("ERRORS", refused)
    await loader.hold()
    for address in (0xFF << 20, 0xFFFFF):
        await registers.set("LOAD_ADDRESS", address)
        await registers.set("LOAD_DATA", 0)
        await registers.expect("ERRORS", refused)
        await registers.set("ERRORS", refused)
    await registers.set("LOAD_CONTROL", 0)
    accelerator.send_right(4)
    await loader.check()
