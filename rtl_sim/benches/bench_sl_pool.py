"""sl_pool: maxima and sums in raster order, one input beat a clock."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.streams import (
    IntArray,
    bench_test,
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)

NAMES = ("H", "W", "FOLDS", "LANES", "BITS", "OUT_BITS", "KH", "KW", "IS_SUM", "IS_SIGNED")


def pool(frames: IntArray, kh: int, kw: int, is_sum: bool) -> IntArray:
    """Pool (N, H, W, C) with stride = kernel, dropping what does not fill a kernel."""
    n, h, w, c = frames.shape
    kept = frames[:, : h // kh * kh, : w // kw * kw]
    blocks = kept.reshape(n, h // kh, kh, w // kw, kw, c)
    pooled: IntArray = blocks.sum(axis=(2, 4)) if is_sum else blocks.max(axis=(2, 4))
    return pooled


def _beats(dut: Any, count: int, seed: int) -> tuple[list[int], list[int]]:
    """Random frames as input and as output beats."""
    h, w, folds, lanes, bits, out_bits, kh, kw, is_sum, signed = parameters(dut, *NAMES).values()
    shape = (count, h, w, folds * lanes)
    frames = draw(np.random.default_rng(seed), shape, bits, bool(signed))
    return pack(frames, lanes, bits), pack(pool(frames, kh, kw, bool(is_sum)), lanes, out_bits)


@paced_test
async def pools_every_frame(dut: Any, idle: str, stall: str) -> None:
    """Five frames back to back."""
    beats, expected = _beats(dut, 5, 1)
    await check_stream(dut, beats, expected, idle, stall)


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """No input beat waits; an output follows 2 clocks after the beat that completes it."""
    beats, expected = _beats(dut, 3, 2)
    source, sink = await check_stream(dut, beats, expected)
    assert source.clocks == list(range(source.clocks[0], source.clocks[0] + len(beats)))
    h, w, folds, *_, kh, kw, _, _ = parameters(dut, *NAMES).values()
    completing = [
        ((frame * h + y) * w + x) * folds + fold
        for frame in range(3)
        for y in range(kh - 1, h, kh)
        for x in range(kw - 1, w, kw)
        for fold in range(folds)
    ]
    assert sink.clocks == [source.clocks[index] + 2 for index in completing]
