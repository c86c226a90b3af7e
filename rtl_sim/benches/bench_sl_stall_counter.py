"""sl_stall_counter: random handshakes and a reset against a count."""

from __future__ import annotations

import random
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from shiftloom.rtl_sim.benches.streams import bench_test


@bench_test
async def counts_waiting_beats(dut: Any) -> None:
    """Valid without ready, and nothing else."""
    rng = random.Random(1)
    dut.rst.value, dut.tvalid.value, dut.tready.value = 1, 0, 0
    Clock(dut.clk, 10, "ns").start()
    for _ in range(2):
        await FallingEdge(dut.clk)
    count = 0
    for clock in range(1000):
        reset, valid, ready = clock == 500, rng.random() < 0.6, rng.random() < 0.5
        dut.rst.value, dut.tvalid.value, dut.tready.value = reset, valid, ready
        await FallingEdge(dut.clk)
        count = 0 if reset else count + (valid and not ready)
        assert int(dut.count.value) == count, f"clock {clock}"
