"""sl_insert: borders and gaps among the pixels, one beat a clock out."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import insert
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.rtl_sim.benches.streams import (
    bench_test,
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)
from shiftloom.rtl_sim.benches.twin import Twin

NAMES = ("H", "W", "FOLDS", "LANES", "BITS", "PT", "PL", "PB", "PR", "GAP_Y", "GAP_X", "VALUE")


def _beats(dut: Any, count: int, seed: int) -> tuple[list[int], list[int]]:
    """Random frames as input and as output beats."""
    h, w, folds, lanes, bits, *pad, gap_y, gap_x, value = parameters(dut, *NAMES).values()
    top, left, bottom, right = pad
    x = draw(np.random.default_rng(seed), (count, h, w, folds * lanes), bits)
    rows, columns = (h - 1) * (gap_y + 1) + 1, (w - 1) * (gap_x + 1) + 1
    shape = (count, top + rows + bottom, left + columns + right, folds * lanes)
    y = np.full(shape, value)
    y[:, top : top + rows : gap_y + 1, left : left + columns : gap_x + 1] = x
    return pack(x, lanes, bits), pack(y, lanes, bits)


def _model(dut: Any) -> Model:
    """The timing model of the module as it was built."""
    h, w, folds, lanes, _, pt, pl, pb, pr, *gaps, _ = parameters(dut, *NAMES).values()
    gap_y, gap_x = gaps
    return insert.model((h, w, folds * lanes), (pt, pl, pb, pr), (gap_y, gap_x), folds)


@paced_test
async def puts_fillers_between(dut: Any, idle: str, stall: str) -> None:
    """Four frames back to back, in the clocks foretold; none before a frame, none after."""
    beats, expected = _beats(dut, 4, 1)
    await check_stream(dut, beats, expected, idle, stall, agents=[Twin(dut, _model(dut))])


@bench_test
async def gives_a_beat_every_clock(dut: Any) -> None:
    """From 1 clock after the first input beat on, there is no pause between beats of frames.

    Where a frame begins with fillers, its first beat is there while those of the last one end.
    """
    beats, expected = _beats(dut, 3, 2)
    _, sink = await check_stream(dut, beats, expected)
    assert sink.clocks == list(range(1, len(expected) + 1))
