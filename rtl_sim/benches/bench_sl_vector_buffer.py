"""sl_vector_buffer: every vector NF times, without a pause, the next one loading meanwhile."""

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


def _beats(dut: Any, vectors: int, seed: int) -> tuple[list[int], list[int], int]:
    """Random vectors as input and as output beats, and the number of passes."""
    length, simd, bits, passes = parameters(dut, "LENGTH", "SIMD", "BITS", "NF").values()
    values = draw(np.random.default_rng(seed), (vectors, 1, length), bits)
    repeated = np.repeat(values, passes, axis=1)
    return pack(values, simd, bits), pack(repeated, simd, bits), passes


@paced_test
async def repeats_every_vector(dut: Any, idle: str, stall: str) -> None:
    """Each vector NF times, in order."""
    beats, expected, _ = _beats(dut, 12, 1)
    await check_stream(dut, beats, expected, idle, stall)


@bench_test
async def gives_a_beat_every_clock(dut: Any) -> None:
    """From 2 clocks after the first input beat on, there is no pause."""
    beats, expected, _ = _beats(dut, 8, 2)
    source, sink = await check_stream(dut, beats, expected)
    assert sink.clocks == [source.clocks[0] + 2 + index for index in range(len(expected))]


@bench_test
async def holds_two_vectors(dut: Any) -> None:
    """Two vectors load at once; the next as soon as the last word of the oldest is offered."""
    beats, expected, passes = _beats(dut, 5, 3)
    source, sink = await check_stream(dut, beats, expected)
    words = len(beats) // 5
    assert source.clocks[: 2 * words] == [source.clocks[0] + index for index in range(2 * words)]
    for vector in range(2, 5):
        freed = sink.clocks[(vector - 1) * words * passes - 1]
        assert source.clocks[vector * words] == max(freed, source.clocks[vector * words - 1] + 1)
