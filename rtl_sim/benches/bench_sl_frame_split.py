"""sl_frame_split: turns to two readers, each at its own pace."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import frame_split
from shiftloom.rtl_sim.benches.streams import (
    bench_test,
    check_streams,
    draw,
    paced_test,
    pack,
    parameters,
)
from shiftloom.rtl_sim.benches.twin import Twin

Beats = list[int]


def _beats(dut: Any, turns: int, seed: int) -> tuple[Beats, Beats, Beats]:
    """Random beats, and those that each reader gets."""
    width, a_beats, b_beats = parameters(dut, "WIDTH", "A_BEATS", "B_BEATS").values()
    both = draw(np.random.default_rng(seed), (turns, a_beats + b_beats, width), 1)
    parts = both, both[:, :a_beats], both[:, a_beats:]
    joined, a, b = (pack(part, width, 1) for part in parts)
    return joined, a, b


@paced_test
async def deals_out_by_turns(dut: Any, idle: str, stall: str) -> None:
    """Twenty turns, in the clocks foretold."""
    joined, a, b = _beats(dut, 20, 1)
    counts = parameters(dut, "A_BEATS", "B_BEATS").values()
    twin = Twin(dut, frame_split.model(*counts), sinks=("m0", "m1"))
    await check_streams(dut, {"s": joined}, {"m0": a, "m1": b}, idle, stall, agents=[twin])


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """One clock from in to out, without a gap between turns."""
    joined, a, b = _beats(dut, 8, 2)
    (source,), sinks = await check_streams(dut, {"s": joined}, {"m0": a, "m1": b})
    assert source.clocks == list(range(len(joined)))
    given = sorted(clock for sink in sinks for clock in sink.clocks)
    assert given == [clock + 1 for clock in source.clocks]
