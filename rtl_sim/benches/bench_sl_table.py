"""sl_table: every word of every table, latency and rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.rtl_sim.benches.streams import (
    IntArray,
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

NAMES = ("LANES", "FOLDS", "IN_BITS", "OUT_BITS", "PER_CHANNEL")


class Memories:
    """The tables [lane, address] behind the module's packed ports, one a lane."""

    def __init__(self, dut: Any, words: IntArray, out_bits: int) -> None:
        self.dut, self.words, self.out_bits = dut, words, out_bits
        self.addr_bits = max(1, (words.shape[1] - 1).bit_length())
        self.data = 0
        dut.t_data.value = 0

    def drive(self) -> None:
        """Show the words that were read in the clock before."""
        self.dut.t_data.value = self.data

    def look(self, _clock: int) -> None:
        """Read where enabled; an address outside a memory reads as 0."""
        if int(self.dut.t_en.value):
            packed, mask = int(self.dut.t_addr.value), (1 << self.addr_bits) - 1
            lanes, depth = self.words.shape
            at = [packed >> (lane * self.addr_bits) & mask for lane in range(lanes)]
            found = [self.words[lane, a] if a < depth else 0 for lane, a in enumerate(at)]
            (self.data,) = pack(found, lanes, self.out_bits)


async def _check(
    dut: Any, pixels: int, seed: int, idle: str = "full", stall: str = "full"
) -> tuple[Source, Sink]:
    """Random values through random tables, in the clocks foretold."""
    lanes, folds, in_bits, out_bits, per_channel = parameters(dut, *NAMES).values()
    rng = np.random.default_rng(seed)
    kinds = (folds, lanes) if per_channel else (1, 1)
    tables = np.broadcast_to(
        draw(rng, (*kinds, 1 << in_bits), out_bits), (kinds[0], lanes, 1 << in_bits)
    )
    x = draw(rng, (pixels, folds, lanes), in_bits)
    y = tables[np.arange(folds)[:, None] % kinds[0], np.arange(lanes), x]
    words = tables.transpose(1, 0, 2).reshape(lanes, -1)
    agents = (Memories(dut, words, out_bits), Twin(dut, pipeline.model(1)))
    beats, expected = pack(x, lanes, in_bits), pack(y, lanes, out_bits)
    return await check_stream(dut, beats, expected, idle, stall, seed=seed, agents=agents)


@paced_test
async def looks_up_every_value(dut: Any, idle: str, stall: str) -> None:
    """Random tables under every pace."""
    await _check(dut, 80, 1, idle, stall)


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """One clock from in to out, without a gap."""
    source, sink = await _check(dut, 20, 2)
    check_rate(source, sink, 1)
