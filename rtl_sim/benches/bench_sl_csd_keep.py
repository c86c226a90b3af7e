"""sl_csd_keep: csd_K of canonic digits for every K."""

from __future__ import annotations

from typing import Any

import numpy as np
from cocotb.triggers import Timer

from shiftloom.codegen.signed_digits import kept
from shiftloom.rtl_sim.benches.bench_sl_csd_multiply import packed_rows
from shiftloom.rtl_sim.benches.quality import largest
from shiftloom.rtl_sim.benches.streams import bench_test, parameters

ALL = 5
"""Rows up to which every value is tried."""
VALUES = 300


@bench_test
async def keeps_the_highest_digits(dut: Any) -> None:
    """The rows of csd_K, with K of none, some, all and more digits than there are."""
    rows = parameters(dut, "ROWS")["ROWS"]
    high = largest(rows)
    low = -high
    values = np.arange(low, high + 1)
    if rows > ALL or len(values) > VALUES:
        chosen = np.random.default_rng(1).integers(low, high, VALUES, endpoint=True)
        values = np.concatenate([chosen, [low, high, 0, 1, -1]])
    given = packed_rows(values, rows)
    for k in range(16):
        dut.k.value = k
        for word, want in zip(given, packed_rows(kept(values, k), rows), strict=True):
            dut.rows.value = word
            await Timer(1, "ns")
            assert int(dut.kept.value) == want, f"K = {k}, rows {word:#o}"
