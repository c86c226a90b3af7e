"""bench_accelerator on RTL with faults asleep in it: with one of them awake, its check must fail.

The RTL is that of bench_accelerator, but for an `int` named `fault` in the top: 0, or the number
of the fault that is awake, from 1 on. ACCELERATOR also holds the `faults` in order: the `check` to
run and its `options`. A failing test is a found fault, and its message says how.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from shiftloom.rtl_sim.benches.accelerator import limited_test
from shiftloom.rtl_sim.benches.bench_accelerator import CHECKS

FAULTS = json.loads(Path(os.environ["ACCELERATOR"]).read_text("utf-8"))["faults"]


async def _clean(dut: Any) -> None:
    """End the frame that a failing check has left unfinished, and reset."""
    clock = Clock(dut.aclk, 10, "ns")
    clock.start()
    dut.s_axis_tvalid.value = 1
    dut.s_axis_tlast.value = 1
    for level in (0, 1, 0):
        dut.aresetn.value = level
        await ClockCycles(dut.aclk, 4)
    clock.stop()


@limited_test(fault=range(len(FAULTS)))
async def finds(dut: Any, fault: int) -> None:
    """One check with one fault awake."""
    dut.fault.value = 0
    await _clean(dut)
    dut.fault.value = fault + 1
    await CHECKS[FAULTS[fault]["check"]](dut, **FAULTS[fault]["options"])
