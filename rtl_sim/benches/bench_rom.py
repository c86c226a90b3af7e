"""A generated memory against its words, given as JSON in the environment variable WORDS."""

from __future__ import annotations

import json
import os
import random
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from shiftloom.rtl_sim.benches.streams import bench_test


@bench_test
async def reads_its_words_under_enable(dut: Any) -> None:
    """Every address, then random ones; without enable the word stays."""
    words = [int(word, 16) for word in json.loads(os.environ["WORDS"])]
    rng = random.Random(1)
    Clock(dut.clk, 10, "ns").start()
    dut.en.value, dut.addr.value = 1, 0
    await FallingEdge(dut.clk)
    shown = words[0]
    later = [rng.randrange(len(words)) for _ in range(200)]
    for count, address in enumerate([*range(len(words)), *later]):
        enable = count < len(words) or rng.random() < 0.5
        dut.en.value, dut.addr.value = enable, address
        await FallingEdge(dut.clk)
        shown = words[address] if enable else shown
        assert int(dut.data.value) == shown, f"address {address}"
