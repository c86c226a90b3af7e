"""sl_csd_recode: the canonic digits of every value."""

from __future__ import annotations

from typing import Any

import numpy as np
from cocotb.triggers import Timer

from shiftloom.rtl_sim.benches.bench_sl_csd_multiply import packed_rows
from shiftloom.rtl_sim.benches.streams import bench_test, draw, parameters

ALL = 10
"""Bits up to which every value is tried."""


@bench_test
async def finds_the_canonic_digits(dut: Any) -> None:
    """The rows that the compiler finds."""
    p = parameters(dut, "W", "IS_SIGNED", "ROWS")
    start = -(1 << (p["W"] - 1)) if p["IS_SIGNED"] else 0
    values = np.arange(start, start + (1 << min(p["W"], ALL)))
    if p["W"] > ALL:
        values = draw(np.random.default_rng(2), (2000,), p["W"], bool(p["IS_SIGNED"]))
    for value, want in zip(values.tolist(), packed_rows(values, p["ROWS"]), strict=True):
        dut.value.value = value & ((1 << p["W"]) - 1)
        await Timer(1, "ns")
        assert int(dut.rows.value) == want, f"value {value}"
