"""sl_qsq_decode: every code with every α, and an error mark that stays."""

from __future__ import annotations

import random
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from shiftloom.rtl_sim.benches.streams import bench_test, parameters

BETA = (0, 1, 2, 4, -1, -2, -4, 0)


@bench_test
async def decodes_every_weight(dut: Any) -> None:
    """α·β, in its clock where it is registered."""
    p = parameters(dut, "A_BITS", "REGISTERED")
    Clock(dut.clk, 10, "ns").start()
    dut.rst.value = 0
    pairs = [(code, alpha) for code in range(8) for alpha in range(1 << min(p["A_BITS"], 8))]
    rng = random.Random(1)
    rng.shuffle(pairs)
    held = None
    for code, low in pairs:
        alpha = low << max(0, p["A_BITS"] - 8)
        enabled = rng.random() < 0.8
        dut.code.value, dut.alpha.value, dut.en.value = code, alpha, int(enabled)
        await ReadOnly()
        if not p["REGISTERED"]:
            assert dut.weight.value.to_signed() == alpha * BETA[code]
        await FallingEdge(dut.clk)
        held = alpha * BETA[code] if enabled else held
        if p["REGISTERED"] and held is not None:
            assert dut.weight.value.to_signed() == held


@bench_test
async def marks_the_unused_code_until_reset(dut: Any) -> None:
    """Only where enabled; it outlives good codes."""
    Clock(dut.clk, 10, "ns").start()
    dut.alpha.value = 1
    steps = ((1, 0, 0, 0), (0, 7, 0, 0), (0, 6, 1, 0), (0, 7, 1, 1), (0, 0, 1, 1), (1, 7, 1, 0))
    for reset, code, en, want in steps:
        dut.rst.value, dut.code.value, dut.en.value = reset, code, en
        await FallingEdge(dut.clk)
        assert int(dut.bad_code.value) == want
