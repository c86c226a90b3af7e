"""sl_weight_ram: reads under enable, writes beside them, the old word on a collision."""

from __future__ import annotations

import random
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from shiftloom.rtl_sim.benches.streams import bench_test, parameters


async def _clock(dut: Any, write: tuple[int, int] | None, read: int | None) -> int:
    """One clock with an optional write (address, word) and read; the data after it."""
    address, word = write or (0, 0)
    dut.w_we.value, dut.w_addr.value, dut.w_data.value = int(write is not None), address, word
    dut.en.value, dut.addr.value = int(read is not None), read or 0
    await FallingEdge(dut.clk)
    return int(dut.data.value)


@bench_test
async def behaves_as_a_list(dut: Any) -> None:
    """Random reads and writes against a Python list; data holds still without enable."""
    p = parameters(dut, "WIDTH", "DEPTH")
    rng = random.Random(1)
    Clock(dut.clk, 10, "ns").start()
    await FallingEdge(dut.clk)
    words = [rng.getrandbits(p["WIDTH"]) for _ in range(p["DEPTH"])]
    for address, word in enumerate(words):
        await _clock(dut, (address, word), None)
    shown = await _clock(dut, None, 0)
    assert shown == words[0]
    for _ in range(3000):
        read = rng.randrange(p["DEPTH"]) if rng.random() < 0.7 else None
        target = read if read is not None and rng.random() < 0.3 else rng.randrange(p["DEPTH"])
        write = (target, rng.getrandbits(p["WIDTH"])) if rng.random() < 0.5 else None
        expected = shown if read is None else words[read]
        shown = await _clock(dut, write, read)
        assert shown == expected, f"read {read}, write {write}"
        if write is not None:
            words[write[0]] = write[1]
