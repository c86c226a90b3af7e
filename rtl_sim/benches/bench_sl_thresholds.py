"""sl_thresholds: counts at, below and above every threshold, latency and rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.streams import (
    IntArray,
    bench_test,
    check_rate,
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)

NAMES = ("LANES", "FOLDS", "IN_BITS", "OUT_BITS", "LO")


@dataclass(frozen=True)
class Layer:
    """Values [pixels, FOLDS, LANES], ascending thresholds [FOLDS, LANES, 2^OUT_BITS − 1]."""

    shape: Mapping[str, int]
    x: IntArray
    t: IntArray

    @staticmethod
    def random(dut: Any, pixels: int, seed: int) -> Layer:
        """Half of the values stand at a threshold or one below; equal thresholds do occur."""
        p = parameters(dut, *NAMES)
        rng = np.random.default_rng(seed)
        steps = (1 << p["OUT_BITS"]) - 1
        t = np.sort(draw(rng, (p["FOLDS"], p["LANES"], steps), p["IN_BITS"], signed=True), axis=-1)
        shape = (pixels, p["FOLDS"], p["LANES"])
        wide = draw(rng, shape, p["IN_BITS"], signed=True)
        picked = np.take_along_axis(t[None], rng.integers(0, steps, shape)[..., None], axis=-1)
        near = picked[..., 0] - rng.integers(0, 1, shape, endpoint=True)
        x = np.where(rng.random(shape) < 0.5, wide, near)
        return Layer(p, np.maximum(x, -(1 << (p["IN_BITS"] - 1))), t)

    def beats(self) -> list[int]:
        """Input beats."""
        return pack(self.x, self.shape["LANES"], self.shape["IN_BITS"])

    def expected(self) -> list[int]:
        """Output beats by counting."""
        y = self.shape["LO"] + (self.x[..., None] >= self.t[None]).sum(axis=-1)
        return pack(y, self.shape["LANES"], self.shape["OUT_BITS"])


class Memories:
    """All threshold memories behind the module's packed ports."""

    def __init__(self, dut: Any, layer: Layer) -> None:
        self.dut = dut
        bits = layer.shape["OUT_BITS"]
        self.lanes, self.in_bits = layer.shape["LANES"], layer.shape["IN_BITS"]
        self.words = [
            layer.t[:, lane, (1 << (bits - 1 - level)) - 1 :: 1 << (bits - level)].ravel().tolist()
            for level in range(bits)
            for lane in range(self.lanes)
        ]
        self.addr_bits = (layer.shape["FOLDS"] - 1).bit_length() + bits - 1 or 1
        self.data = 0
        dut.t_data.value = 0

    def drive(self) -> None:
        """Show the words that were read in the clock before."""
        self.dut.t_data.value = self.data

    def look(self, _clock: int) -> None:
        """Read every memory where enabled; an address outside a memory reads as 0."""
        if not int(self.dut.t_en.value):
            return
        packed = int(self.dut.t_addr.value)
        found = []
        for field, words in enumerate(self.words):
            address = packed >> (field * self.addr_bits) & ((1 << self.addr_bits) - 1)
            found.append(words[address] if address < len(words) else 0)
        (self.data,) = pack(found, len(found), self.in_bits)


@paced_test
async def counts_reached_thresholds(dut: Any, idle: str, stall: str) -> None:
    """Random values and thresholds under every pace."""
    for seed in (1, 2):
        layer = Layer.random(dut, 200, seed)
        await check_stream(
            dut,
            layer.beats(),
            layer.expected(),
            idle,
            stall,
            seed=seed,
            agents=(Memories(dut, layer),),
        )


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """OUT_BITS + 1 clocks from in to out, without a gap."""
    layer = Layer.random(dut, 30, 3)
    agents = (Memories(dut, layer),)
    source, sink = await check_stream(dut, layer.beats(), layer.expected(), agents=agents)
    check_rate(source, sink, layer.shape["OUT_BITS"] + 1)
