"""sl_extend: the same values in more bits, a beat a clock."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.rtl_sim.benches.streams import (
    bench_test,
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)
from shiftloom.rtl_sim.benches.twin import Twin


def _beats(dut: Any, count: int, seed: int) -> tuple[list[int], list[int]]:
    """Random elements as input and as output beats."""
    lanes, bits, out, signed = parameters(dut, "LANES", "BITS", "OUT_BITS", "IS_SIGNED").values()
    x = draw(np.random.default_rng(seed), (count, lanes), bits)
    negative = (x >> (bits - 1)) & signed
    return pack(x, lanes, bits), pack((x - (negative << bits)) & ((1 << out) - 1), lanes, out)


@paced_test
async def keeps_every_value(dut: Any, idle: str, stall: str) -> None:
    """All elements, in the clocks foretold."""
    beats, expected = _beats(dut, 200, 1)
    twin = Twin(dut, pipeline.model(1))
    await check_stream(dut, beats, expected, idle, stall, agents=[twin])


@bench_test
async def flows_at_full_rate(dut: Any) -> None:
    """A beat every clock, 1 clock after its acceptance."""
    beats, expected = _beats(dut, 50, 2)
    source, sink = await check_stream(dut, beats, expected)
    assert source.clocks == list(range(50))
    assert sink.clocks == list(range(1, 51))
