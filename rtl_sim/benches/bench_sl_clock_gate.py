"""sl_clock_gate: a register behind the gate between two before and after it, without a race."""

from __future__ import annotations

import random
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, Timer

from shiftloom.rtl_sim.benches.streams import bench_test

CLOCKS = 1000


@bench_test
async def steps_where_it_is_enabled(dut: Any) -> None:
    """`behind` takes `before` where the enable was high, `after` takes `behind` in every clock.

    The enable may change as soon as the clock has risen.
    """
    rng = random.Random(9)
    Clock(dut.clk, 10, "ns").start()
    before = behind = after = None
    for _ in range(CLOCKS):
        d, en = rng.getrandbits(8), rng.random() < 0.5
        dut.d.value, dut.en.value = d, int(en)
        await RisingEdge(dut.clk)
        await Timer(1, "ns")
        dut.en.value = rng.getrandbits(1)
        await FallingEdge(dut.clk)
        before, behind, after = d, before if en else behind, behind
        for pin, want in ((dut.before_q, before), (dut.behind_q, behind), (dut.after_q, after)):
            assert want is None or int(pin.value) == want
