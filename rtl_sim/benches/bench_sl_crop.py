"""sl_crop: what is inside the rectangle, one input beat a clock."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import crop
from shiftloom.rtl_sim.benches.streams import (
    IntArray,
    bench_test,
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)
from shiftloom.rtl_sim.benches.twin import Twin

NAMES = ("H", "W", "FOLDS", "WIDTH", "TOP", "LEFT", "OH", "OW")


def _kept(dut: Any, frames: IntArray) -> IntArray:
    """The rectangle of every frame (N, H, W, ...)."""
    *_, top, left, oh, ow = parameters(dut, *NAMES).values()
    return frames[:, top : top + oh, left : left + ow]


def _frames(dut: Any, count: int, seed: int) -> IntArray:
    """Random frames of bits."""
    h, w, folds, width, *_ = parameters(dut, *NAMES).values()
    return draw(np.random.default_rng(seed), (count, h, w, folds, width), 1)


@paced_test
async def keeps_the_rectangle(dut: Any, idle: str, stall: str) -> None:
    """Five frames back to back, in the clocks foretold."""
    h, w, folds, width, top, left, oh, ow = parameters(dut, *NAMES).values()
    frames = _frames(dut, 5, 1)
    twin = Twin(dut, crop.model((h, w), (top, left), (oh, ow), folds))
    beats, expected = (pack(x, width, 1) for x in (frames, _kept(dut, frames)))
    await check_stream(dut, beats, expected, idle, stall, agents=[twin])


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """No input beat waits; one inside is given 1 clock later."""
    frames = _frames(dut, 3, 2)
    width = frames.shape[-1]
    beats, expected = (pack(x, width, 1) for x in (frames, _kept(dut, frames)))
    source, sink = await check_stream(dut, beats, expected)
    assert source.clocks == list(range(len(beats)))
    index = _kept(dut, np.arange(len(beats)).reshape(frames.shape[:-1]))
    assert sink.clocks == [source.clocks[at] + 1 for at in index.ravel()]
