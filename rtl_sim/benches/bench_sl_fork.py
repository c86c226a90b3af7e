"""sl_fork: both readers get every beat, each at its own pace."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import fork
from shiftloom.rtl_sim.benches.streams import (
    bench_test,
    check_rate,
    check_streams,
    draw,
    paced_test,
    pack,
    parameters,
)
from shiftloom.rtl_sim.benches.twin import Twin


def _beats(dut: Any, count: int, seed: int) -> list[int]:
    """Random beats."""
    (width,) = parameters(dut, "WIDTH").values()
    return pack(draw(np.random.default_rng(seed), (count, width), 1), width, 1)


@paced_test
async def gives_every_beat_twice(dut: Any, idle: str, stall: str) -> None:
    """The same beats on both sides, in the clocks foretold."""
    beats = _beats(dut, 300, 1)
    twin = Twin(dut, fork.model(), sinks=("m0", "m1"))
    await check_streams(dut, {"s": beats}, {"m0": beats, "m1": beats}, idle, stall, agents=[twin])


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """One clock from in to out, without a gap."""
    beats = _beats(dut, 40, 2)
    (source,), sinks = await check_streams(dut, {"s": beats}, {"m0": beats, "m1": beats})
    for sink in sinks:
        check_rate(source, sink, 1)
