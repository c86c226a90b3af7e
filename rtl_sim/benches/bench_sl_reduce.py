"""sl_reduce: the maximum or sum of consecutive beats."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.rtl_sim.benches.streams import (
    bench_test,
    check_rate,
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)
from shiftloom.rtl_sim.benches.twin import Twin


def _beats(dut: Any, count: int, seed: int) -> tuple[list[int], list[int]]:
    """Random taps as input beats, and the output beats."""
    names = ("LANES", "TAPS", "BITS", "OUT_BITS", "IS_SUM", "IS_SIGNED")
    lanes, taps, bits, out_bits, is_sum, signed = parameters(dut, *names).values()
    values = draw(np.random.default_rng(seed), (count, taps, lanes), bits, bool(signed))
    reduced = values.sum(axis=1) if is_sum else values.max(axis=1)
    return pack(values, lanes, bits), pack(reduced, lanes, out_bits)


@paced_test
async def reduces_every_group(dut: Any, idle: str, stall: str) -> None:
    """One output for every TAPS inputs, in the clocks foretold."""
    beats, expected = _beats(dut, 60, 1)
    twin = Twin(dut, pipeline.model(1, parameters(dut, "TAPS")["TAPS"]))
    await check_stream(dut, beats, expected, idle, stall, agents=[twin])


@bench_test
async def flows_at_full_rate(dut: Any) -> None:
    """A beat every clock, and the result one clock after its last."""
    taps = parameters(dut, "TAPS")["TAPS"]
    beats, expected = _beats(dut, 20, 2)
    source, sink = await check_stream(dut, beats, expected)
    check_rate(source, sink, 1, taps)
