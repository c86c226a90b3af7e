"""sl_width: the elements stay, the narrow side never pauses."""

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


def _beats(dut: Any, wide_beats: int, seed: int) -> tuple[list[int], list[int]]:
    """Random elements as input and as output beats."""
    into, out, bits = parameters(dut, "IN_ELEMS", "OUT_ELEMS", "BITS").values()
    elements = draw(np.random.default_rng(seed), (wide_beats, max(into, out)), bits)
    return pack(elements, into, bits), pack(elements, out, bits)


@paced_test
async def keeps_every_element(dut: Any, idle: str, stall: str) -> None:
    """What goes in comes out, in order, once."""
    beats, expected = _beats(dut, 200, 1)
    await check_stream(dut, beats, expected, idle, stall)


@bench_test
async def flows_at_full_rate(dut: Any) -> None:
    """A beat every clock on the narrow side; 1 clock of latency, none where nothing changes."""
    beats, expected = _beats(dut, 50, 2)
    source, sink = await check_stream(dut, beats, expected)
    into, out = len(beats) // 50, len(expected) // 50
    assert max(source.clocks[-1] - source.clocks[0], sink.clocks[-1] - sink.clocks[0]) <= (
        50 * max(into, out) - 1
    )
    assert sink.clocks[0] - source.clocks[into - 1] == (0 if into == out else 1)
