"""sl_quality_hold: K changes between frames only, at the first beat that is accepted."""

from __future__ import annotations

import random
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from shiftloom.rtl_sim.benches.streams import bench_test, bursts, parameters


@bench_test
async def holds_k_for_a_frame(dut: Any) -> None:
    """Under pauses, with a quality that changes in most clocks; again after a reset in a frame."""
    beats = parameters(dut, "BEATS")["BEATS"]
    rng, steps = random.Random(3), bursts(4)
    Clock(dut.clk, 10, "ns").start()
    beat, held = 0, 0
    for clock in range(900):
        in_reset = clock < 2 or clock == 500
        quality, step = rng.randrange(16), next(steps) and not in_reset
        dut.rst.value, dut.quality.value, dut.step.value = int(in_reset), quality, int(step)
        await ReadOnly()
        want = quality if beat == 0 else held
        if clock > 1:
            assert int(dut.k.value) == want, f"clock {clock}, beat {beat}"
        if step:
            held, beat = want, (beat + 1) % beats
        if in_reset:
            beat = 0
        await FallingEdge(dut.clk)
