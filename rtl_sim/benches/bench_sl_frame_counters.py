"""sl_frame_counters: random starts and ends of frames against a count."""

from __future__ import annotations

import random
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from shiftloom.rtl_sim.benches.streams import bench_test


@bench_test
async def counts_frames_and_busy_clocks(dut: Any) -> None:
    """Several frames in flight, a start and an end in the same clock, and a reset in between."""
    rng = random.Random(1)
    dut.rst.value, dut.frame_start.value, dut.frame_done.value = 1, 0, 0
    Clock(dut.clk, 10, "ns").start()
    for _ in range(2):
        await FallingEdge(dut.clk)
    in_flight = busy = frames = cycles = 0
    for clock in range(2000):
        reset = clock == 1000
        start = rng.random() < 0.2
        done = in_flight > 0 and rng.random() < 0.25
        dut.rst.value, dut.frame_start.value, dut.frame_done.value = reset, start, done
        await FallingEdge(dut.clk)
        cycles += busy
        busy = int(in_flight > 0)
        in_flight += start - done
        frames += done
        if reset:
            in_flight = busy = frames = cycles = 0
        assert int(dut.busy.value) == busy, f"clock {clock}"
        assert int(dut.frames.value) == frames, f"clock {clock}"
        assert int(dut.cycles.value) == cycles, f"clock {clock}"
