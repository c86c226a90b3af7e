"""sl_csd_operand: registers that load for digits that are not zero, and for no others."""

from __future__ import annotations

import random
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from shiftloom.rtl_sim.benches.streams import bench_test, parameters


@bench_test
async def loads_where_a_digit_is_used(dut: Any) -> None:
    """Of the row or of each digit, by the grain; nothing without the enable."""
    p = parameters(dut, "X_BITS", "GRAIN")
    rng = random.Random(7)
    Clock(dut.clk, 10, "ns").start()
    held: list[int | None] = [None, None]
    for _ in range(400):
        x, digits, enabled = rng.getrandbits(p["X_BITS"]), rng.randrange(4), rng.random() < 0.7
        dut.x.value, dut.digits.value, dut.en.value = x, digits, int(enabled)
        await FallingEdge(dut.clk)
        for index in (0, 1):
            is_used = digits > 0 if p["GRAIN"] == 2 else digits >> index & 1
            if enabled and is_used:
                held[index] = x
        for got, want in zip((dut.x1, dut.x2), held, strict=True):
            assert want is None or int(got.value) == want
