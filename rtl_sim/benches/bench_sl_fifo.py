"""sl_fifo: order, capacity, latency and throughput."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.streams import (
    Bench,
    Sink,
    Source,
    bench_test,
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)


def _beats(dut: Any, count: int, seed: int) -> list[int]:
    width = parameters(dut, "WIDTH")["WIDTH"]
    return pack(draw(np.random.default_rng(seed), (count, 1), width), 1, width)


@paced_test
async def keeps_every_beat(dut: Any, idle: str, stall: str) -> None:
    """What goes in comes out, in order, once."""
    for seed in (1, 2):
        beats = _beats(dut, 600, seed)
        await check_stream(dut, beats, beats, idle, stall, seed=seed)


@bench_test
async def flows_at_full_rate(dut: Any) -> None:
    """One clock from acceptance to offer, and a beat every clock."""
    beats = _beats(dut, 100, 3)
    source, sink = await check_stream(dut, beats, beats)
    assert [out - into for into, out in zip(source.clocks, sink.clocks, strict=True)] == [1] * 100
    assert sink.clocks[-1] - sink.clocks[0] == 99


@bench_test
async def holds_exactly_its_depth(dut: Any) -> None:
    """With nothing taken it accepts DEPTH beats, then gives them without a gap."""
    depth = parameters(dut, "DEPTH")["DEPTH"]
    beats = _beats(dut, depth + 5, 4)
    source, sink = Source(dut, beats), Sink(dut)
    filling = Bench(dut, (source,))
    await filling.start()
    for _ in range(depth + 20):
        await filling.step()
    assert len(source.clocks) == depth
    draining = Bench(dut, (sink, source))
    await draining.run(lambda: len(sink.beats) == depth + 5, depth + 20)
    assert sink.beats == beats
    assert sink.clocks == list(range(depth + 5))
