"""A generated accelerator whose quality is chosen by its registers, between frames and under way.

The file in ACCELERATOR (see accelerator.py) also has `unit`, the first unit with a quality below
the top, `beats`, those of a frame that it reads, and `qualities`: for each of them the words of the
registers QUALITY<i> in `registers`, and in `outputs` what every frame of `right` then gives. The
first is the one after a reset, the second differs from it in QUALITY0 alone.
"""

from __future__ import annotations

import json
import os
from functools import reduce
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from shiftloom.rtl_sim.benches.accelerator import Accelerator, compare, limited_test, start

Choice = dict[str, Any]


def _given() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(os.environ["ACCELERATOR"]).read_text("utf-8"))
    return found


class Reader:
    """Counts the beats that the unit has read."""

    def __init__(self, dut: Any) -> None:
        self.dut, self.beats = dut, 0
        self.unit = reduce(getattr, _given()["unit"].split("."), dut)
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        while True:
            await FallingEdge(self.dut.aclk)
            await ReadOnly()
            self.beats += int(self.unit.s_tvalid.value) and int(self.unit.s_tready.value)

    async def reach(self, beats: int) -> None:
        """Wait until it has read so many."""
        while self.beats < beats:
            await FallingEdge(self.dut.aclk)


async def _choose(accelerator: Accelerator, choice: Choice) -> None:
    for index, word in enumerate(choice["registers"]):
        await accelerator.registers.set(f"QUALITY{index}", word)


async def _check(accelerator: Accelerator, first: int, *choices: Choice) -> None:
    """Require the outputs of the frames from number `first` on, of one choice after the other."""
    expected = [
        tuple(choice["outputs"][(first + index) % len(accelerator.right)])
        for index, choice in enumerate(choices)
    ]
    got = await accelerator.outputs(len(expected))
    compare(got, expected)
    assert len(got) == len(expected), f"got {len(got)} frames, expected {len(expected)}"


@limited_test(pace=("full", "bursty"))
async def takes_the_quality_of_the_registers(dut: Any, pace: str) -> None:
    """That after a reset, then one after the other; a soft reset leaves the last one."""
    accelerator, choices = await start(dut), _given()["qualities"]
    for index, word in enumerate(choices[0]["registers"]):
        await accelerator.registers.expect(f"QUALITY{index}", word, "after a reset")
    accelerator.pace(pace, pace)
    accelerator.send_right(1)
    await _check(accelerator, 0, choices[0])
    for choice in choices:
        await _choose(accelerator, choice)
        first = len(accelerator.sent)
        accelerator.send_right(2)
        await _check(accelerator, first, choice, choice)
    await accelerator.reset(True, 1)
    first = len(accelerator.sent)
    accelerator.send_right(1)
    await _check(accelerator, first, choices[-1])


@limited_test()
async def keeps_the_quality_of_a_frame_under_way(dut: Any) -> None:
    """Written while the unit reads a frame, it waits for the next one, which is on its way."""
    accelerator, given = await start(dut), _given()
    reader, beats = Reader(dut), given["beats"]
    exact, other = given["qualities"][:2]
    for old, new in ((exact, other), (other, exact)):
        first = len(accelerator.sent)
        accelerator.send_right(2)
        for beat, choice in ((2, new), (beats // 3, old), (2 * beats // 3, new)):
            await reader.reach(first * beats + beat)
            await accelerator.registers.set("QUALITY0", choice["registers"][0])
            assert reader.beats < (first + 1) * beats, "written too late"
        await _check(accelerator, first, old, new)
