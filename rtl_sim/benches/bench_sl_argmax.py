"""sl_argmax: the first of the largest, ties and extremes frequent."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.rtl_sim.benches.streams import (
    Sink,
    Source,
    bench_test,
    check_rate,
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)
from shiftloom.rtl_sim.benches.twin import Twin

NAMES = ("LANES", "FOLDS", "BITS", "OUT_BITS", "IS_SIGNED")


def _latency(dut: Any) -> int:
    """Clocks from the last beat of a pixel to its index."""
    (lanes,) = parameters(dut, "LANES").values()
    return (lanes - 1).bit_length() + 1


async def _check(
    dut: Any, pixels: int, seed: int, idle: str = "full", stall: str = "full"
) -> tuple[Source, Sink]:
    """Random pixels, half of them of few values, in the clocks foretold."""
    lanes, folds, bits, out_bits, signed = parameters(dut, *NAMES).values()
    rng = np.random.default_rng(seed)
    wide = draw(rng, (pixels, folds * lanes), bits, bool(signed))
    pool = draw(rng, (3,), bits, bool(signed))
    few = rng.choice(pool, wide.shape)
    x = np.where(rng.random((pixels, 1)) < 0.5, wide, few)
    twin = Twin(dut, pipeline.model(_latency(dut), folds))
    beats, expected = pack(x, lanes, bits), pack(x.argmax(axis=1), 1, out_bits)
    return await check_stream(dut, beats, expected, idle, stall, seed=seed, agents=[twin])


@paced_test
async def finds_the_first_of_the_largest(dut: Any, idle: str, stall: str) -> None:
    """Sixty pixels under every pace."""
    await _check(dut, 60, 1, idle, stall)


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """An index follows the last beat of its pixel in fixed time."""
    (folds,) = parameters(dut, "FOLDS").values()
    source, sink = await _check(dut, 12, 2)
    check_rate(source, sink, _latency(dut), folds)
