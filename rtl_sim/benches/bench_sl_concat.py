"""sl_concat: turns of two streams, whichever of them comes late."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import concat
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
    """Random beats of both sources, and what they make."""
    width, a_beats, b_beats = parameters(dut, "WIDTH", "A_BEATS", "B_BEATS").values()
    both = draw(np.random.default_rng(seed), (turns, a_beats + b_beats, width), 1)
    parts = both[:, :a_beats], both[:, a_beats:], both
    a, b, joined = (pack(part, width, 1) for part in parts)
    return a, b, joined


@paced_test
async def joins_by_turns(dut: Any, idle: str, stall: str) -> None:
    """Twenty turns, in the clocks foretold."""
    a, b, joined = _beats(dut, 20, 1)
    counts = parameters(dut, "A_BEATS", "B_BEATS").values()
    twin = Twin(dut, concat.model(*counts), sources=("s0", "s1"))
    await check_streams(dut, {"s0": a, "s1": b}, {"m": joined}, idle, stall, agents=[twin])


@bench_test
async def gives_a_beat_every_clock(dut: Any) -> None:
    """One clock from in to out, without a gap between turns."""
    a, b, joined = _beats(dut, 8, 2)
    _, (sink,) = await check_streams(dut, {"s0": a, "s1": b}, {"m": joined})
    assert sink.clocks == list(range(1, len(joined) + 1))
