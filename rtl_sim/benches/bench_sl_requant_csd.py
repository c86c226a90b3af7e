"""sl_requant_csd: scaling by K digits, K of every frame, offsets, rounding, latency and rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shiftloom.codegen.signed_digits import kept, row_words
from shiftloom.rtl_sim.benches.bench_sl_requant import offsets, requantize, span
from shiftloom.rtl_sim.benches.quality import MOST, Quality, draw_factors, largest
from shiftloom.rtl_sim.benches.streams import (
    Agent,
    IntArray,
    Rom,
    bench_test,
    check_rate,
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)

NAMES = (
    *("LANES", "FOLDS", "IN_BITS", "X_SIGNED", "ROWS", "C_BITS", "SHIFT"),
    *("OUT_BITS", "LO", "HI", "ZERO", "PIXELS"),
)


@dataclass(frozen=True)
class Layer:
    """Values [frames, PIXELS, FOLDS, LANES], multipliers and offsets [FOLDS, LANES], K a frame."""

    shape: Mapping[str, int]
    x: IntArray
    m: IntArray
    c: IntArray
    levels: tuple[int, ...]

    @staticmethod
    def random(dut: Any, levels: tuple[int, ...], seed: int) -> Layer:
        """Whole-range values, as many that land around the output range, and zeros."""
        p = parameters(dut, *NAMES)
        rng = np.random.default_rng(seed)
        shape = (len(levels), p["PIXELS"], p["FOLDS"], p["LANES"])
        m = draw_factors(rng, shape[2:], p["ROWS"])
        c = offsets(rng, p, shape[2:])
        wide = draw(rng, shape, p["IN_BITS"], signed=bool(p["X_SIGNED"]))
        y = rng.integers(p["LO"] - p["ZERO"] - 2, p["HI"] - p["ZERO"] + 2, shape, endpoint=True)
        near = ((y << p["SHIFT"]) - c) // m + rng.integers(-1, 1, shape, endpoint=True)
        x = np.where(rng.random(shape) < 0.5, wide, np.clip(near, *span(p)))
        return Layer(p, np.where(rng.random(shape) < 0.1, 0, x), m, c, levels)

    def beats(self) -> list[int]:
        """Input beats."""
        return pack(self.x, self.shape["LANES"], self.shape["IN_BITS"])

    def expected(self) -> list[int]:
        """Output beats by the definition."""
        p, y = self.shape, []
        for x, k in zip(self.x, self.levels, strict=True):
            m = np.broadcast_to(kept(self.m, k), x.shape).flat
            c = np.broadcast_to(self.c, x.shape).flat
            y += [requantize(p, *map(int, xmc)) for xmc in zip(x.flat, m, c, strict=True)]
        return pack(y, p["LANES"], p["OUT_BITS"])

    def agents(self, dut: Any) -> tuple[Agent, Agent]:
        """The memory of digits and offsets, and what drives K."""
        p, bits = self.shape, 3 * self.shape["ROWS"] + self.shape["C_BITS"]
        high = (self.c & ((1 << p["C_BITS"]) - 1)).astype(object) << 3 * p["ROWS"]
        lanes = row_words(self.m, p["ROWS"]).astype(object) | high
        words = [sum(lane << bits * i for i, lane in enumerate(word)) for word in lanes.tolist()]
        memory = Rom(dut.p_en, dut.p_addr, dut.p_data, words)
        return memory, Quality(dut, self.levels, p["PIXELS"] * p["FOLDS"])


@paced_test
async def equals_the_definition(dut: Any, idle: str, stall: str) -> None:
    """Random, boundary and tie values under every pace, another K in every frame."""
    levels = tuple(np.random.default_rng(7).permutation(MOST + 1).tolist())
    layer = Layer.random(dut, levels, 1)
    beats, expected = layer.beats(), layer.expected()
    await check_stream(dut, beats, expected, idle, stall, agents=layer.agents(dut))


@bench_test
async def reaches_the_extreme_sums(dut: Any) -> None:
    """The largest and the smallest x * csd_K(M) + C are exact; one digit may exceed M."""
    p = parameters(dut, *NAMES)
    half = (1 << p["C_BITS"]) >> 1
    top = largest(p["ROWS"])
    shape = (3, p["PIXELS"], p["FOLDS"], p["LANES"])
    x = np.resize(np.array(span(p)), shape)
    for m in (top, (1 << 2 * p["ROWS"] - 1) - 1 or 1, 1):
        for c in (-half, half - 1) if half else (0,):
            fill = np.full(shape[2:], m)
            layer = Layer(p, x, fill, np.full(shape[2:], c), (1, 2, MOST))
            beats, expected = layer.beats(), layer.expected()
            await check_stream(dut, beats, expected, agents=layer.agents(dut))


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """The latency of the module's header, without a gap."""
    layer = Layer.random(dut, (2, 1, 3), 3)
    beats, expected, p = layer.beats(), layer.expected(), layer.shape
    source, sink = await check_stream(dut, beats, expected, agents=layer.agents(dut))
    latency = 5 + (p["ROWS"] - 1).bit_length() + (p["C_BITS"] > 0)
    check_rate(source, sink, latency)
