"""sl_gather: words of a pixel in another order, the next pixel loading meanwhile."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import gather
from shiftloom.rtl_sim.benches.streams import (
    Rom,
    Sink,
    Source,
    bench_test,
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)
from shiftloom.rtl_sim.benches.twin import Twin


async def _check(
    dut: Any, pixels: int, seed: int, idle: str = "full", stall: str = "full"
) -> tuple[Source, Sink]:
    """Random pixels in a random order, in the clocks foretold."""
    width, words, picked = parameters(dut, "WIDTH", "IN_WORDS", "OUT_WORDS").values()
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.arange(max(words, picked)) % words)[:picked]
    x = draw(rng, (pixels, words, width), 1)
    agents = (
        Rom(dut.o_en, dut.o_addr, dut.o_data, order.tolist()),
        Twin(dut, gather.model(words, picked)),
    )
    beats, expected = pack(x, width, 1), pack(x[:, order], width, 1)
    return await check_stream(dut, beats, expected, idle, stall, seed=seed, agents=agents)


@paced_test
async def picks_in_order(dut: Any, idle: str, stall: str) -> None:
    """Pixels back to back, three orders."""
    for seed in (1, 2, 3):
        await _check(dut, 25, seed, idle, stall)


@bench_test
async def moves_a_beat_every_clock(dut: Any) -> None:
    """Two clocks after a pixel is complete its first word is given; the longer side never waits."""
    words, picked = parameters(dut, "IN_WORDS", "OUT_WORDS").values()
    source, sink = await _check(dut, 10, 4)
    assert sink.clocks[0] == source.clocks[words - 1] + 2
    if words >= picked:
        assert source.clocks == list(range(10 * words))
    else:
        assert sink.clocks == list(range(sink.clocks[0], sink.clocks[0] + 10 * picked))
