"""sl_window_reduce: the maximum or sum of the taps of one beat."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.streams import (
    bench_test,
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)


def _beats(dut: Any, count: int, seed: int) -> tuple[list[int], list[int]]:
    """Random windows as input and as output beats."""
    names = ("TAPS", "LANES", "BITS", "OUT_BITS", "IS_SUM", "IS_SIGNED")
    taps, lanes, bits, out_bits, is_sum, signed = parameters(dut, *names).values()
    windows = draw(np.random.default_rng(seed), (count, taps, lanes), bits, bool(signed))
    reduced = windows.sum(axis=1) if is_sum else windows.max(axis=1)
    return pack(windows, taps * lanes, bits), pack(reduced, lanes, out_bits)


@paced_test
async def reduces_every_window(dut: Any, idle: str, stall: str) -> None:
    """One output for each input."""
    beats, expected = _beats(dut, 200, 1)
    await check_stream(dut, beats, expected, idle, stall)


@bench_test
async def flows_at_full_rate(dut: Any) -> None:
    """A beat every clock, as many clocks later as the tree has levels."""
    beats, expected = _beats(dut, 40, 2)
    source, sink = await check_stream(dut, beats, expected)
    levels = max(1, (parameters(dut, "TAPS")["TAPS"] - 1).bit_length())
    assert source.clocks == list(range(source.clocks[0], source.clocks[0] + 40))
    assert sink.clocks == [clock + levels for clock in source.clocks]
