"""sl_requant: scaling, offsets, exact rounding at ties, clipping, latency and rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

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
    *("LANES", "FOLDS", "IN_BITS", "X_SIGNED", "M_BITS", "C_BITS", "SHIFT"),
    *("OUT_BITS", "LO", "HI", "ZERO", "USE_DSP"),
)


def requantize(p: Mapping[str, int], x: int, m: int, c: int) -> int:
    """The definition, in exact fractions: round() takes a tie to the even neighbour."""
    return min(max(round(Fraction(x * m + c, 1 << p["SHIFT"])) + p["ZERO"], p["LO"]), p["HI"])


@dataclass(frozen=True)
class Layer:
    """Values [pixels, FOLDS, LANES], multipliers and offsets [FOLDS, LANES]."""

    shape: Mapping[str, int]
    x: IntArray
    m: IntArray
    c: IntArray

    @staticmethod
    def random(dut: Any, pixels: int, seed: int) -> Layer:
        """A third each: whole-range values, ones that land around the output range, and ties."""
        p = parameters(dut, *NAMES)
        rng = np.random.default_rng(seed)
        shape = (pixels, p["FOLDS"], p["LANES"])
        m = draw(rng, shape[1:], p["M_BITS"])
        c = offsets(rng, p, shape[1:])
        wide = draw(rng, shape, p["IN_BITS"], signed=bool(p["X_SIGNED"]))
        y = rng.integers(p["LO"] - p["ZERO"] - 2, p["HI"] - p["ZERO"] + 2, shape, endpoint=True)
        half = rng.integers(0, 1, shape, endpoint=True)
        near = (((2 * y + half) << p["SHIFT"]) - 2 * c) // np.maximum(2 * m, 1)
        near += rng.integers(-1, 1, shape, endpoint=True)
        unit = 1 << max(0, p["SHIFT"] - 1)
        kind = rng.integers(0, 3, shape)
        return Layer(p, np.clip(np.choose(kind, (wide, near, wide // unit * unit)), *span(p)), m, c)

    def beats(self) -> list[int]:
        """Input beats."""
        return pack(self.x, self.shape["LANES"], self.shape["IN_BITS"])

    def expected(self) -> list[int]:
        """Output beats by the definition."""
        p = self.shape
        m, c = (np.broadcast_to(values, self.x.shape).flat for values in (self.m, self.c))
        y = [requantize(p, *map(int, xmc)) for xmc in zip(self.x.flat, m, c, strict=True)]
        return pack(y, p["LANES"], p["OUT_BITS"])

    def memory(self, dut: Any) -> tuple[Agent]:
        """The memory of multipliers and offsets."""
        p = self.shape
        lanes = pack(self.m, 1, p["M_BITS"])
        if p["C_BITS"]:
            high = pack(self.c, 1, p["C_BITS"])
            lanes = [m | c << p["M_BITS"] for m, c in zip(lanes, high, strict=True)]
        bits, width = p["M_BITS"] + p["C_BITS"], p["LANES"]
        words = [
            sum(lane << (bits * index) for index, lane in enumerate(lanes[at : at + width]))
            for at in range(0, len(lanes), width)
        ]
        return (Rom(dut.p_en, dut.p_addr, dut.p_data, words),)


def span(p: Mapping[str, int]) -> tuple[int, int]:
    """Lowest and highest value of the input."""
    top = 1 << (p["IN_BITS"] - p["X_SIGNED"])
    return -top if p["X_SIGNED"] else 0, top - 1


def offsets(rng: np.random.Generator, p: Mapping[str, int], shape: tuple[int, ...]) -> IntArray:
    """Whole-range offsets, half of them such that ties occur, or zeros without offset bits."""
    if not p["C_BITS"]:
        return np.zeros(shape, dtype=np.int64)
    c = draw(rng, shape, p["C_BITS"], signed=True)
    unit = 1 << min(max(0, p["SHIFT"] - 1), p["C_BITS"] - 1)
    return np.where(rng.random(shape) < 0.5, c, c // unit * unit)


@paced_test
async def equals_the_definition(dut: Any, idle: str, stall: str) -> None:
    """Random, boundary and tie values under every pace."""
    for seed in (1, 2):
        layer = Layer.random(dut, 200, seed)
        await check_stream(
            dut, layer.beats(), layer.expected(), idle, stall, seed=seed, agents=layer.memory(dut)
        )


@bench_test
async def rounds_every_tie_to_even(dut: Any) -> None:
    """With M a power of two, x * M meets each tie of the output range from both sides."""
    p = parameters(dut, *NAMES)
    shift = min(p["SHIFT"], p["M_BITS"] - 1)
    quotient = 1 << (p["SHIFT"] - shift)  # x counts in units of 1 / quotient
    lowest, highest = span(p)
    low = max(p["LO"] - p["ZERO"] - 2, lowest // quotient)
    high = min(p["HI"] - p["ZERO"] + 2, highest // quotient)
    steps = np.arange(low, high + 1)[:, None] * quotient
    x = np.unique(steps + np.array([0, quotient // 2 - 1, quotient // 2, quotient // 2 + 1]))
    x = np.clip(x, lowest, highest)
    every = np.broadcast_to(x[:, None, None], (len(x), p["FOLDS"], p["LANES"]))
    ones = np.ones((p["FOLDS"], p["LANES"]), dtype=np.int64)
    layer = Layer(p, every, ones << shift, 0 * ones)
    await check_stream(dut, layer.beats(), layer.expected(), agents=layer.memory(dut))


@bench_test
async def reaches_the_extreme_sums(dut: Any) -> None:
    """The largest and the smallest x * M + C are exact."""
    p = parameters(dut, *NAMES)
    half = (1 << p["C_BITS"]) >> 1
    x = np.array(span(p))[:, None, None] * np.ones((1, p["FOLDS"], p["LANES"]), dtype=np.int64)
    m = np.full(x.shape[1:], (1 << p["M_BITS"]) - 1)
    for c in (-half, half - 1) if half else (0,):
        layer = Layer(p, x, m, np.full(m.shape, c))
        await check_stream(dut, layer.beats(), layer.expected(), agents=layer.memory(dut))


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """The latency of the module's header, without a gap."""
    layer = Layer.random(dut, 30, 3)
    source, sink = await check_stream(
        dut, layer.beats(), layer.expected(), agents=layer.memory(dut)
    )
    p = layer.shape
    levels = ((p["M_BITS"] + 1) // 2 - 1).bit_length()
    latency = 7 if p["USE_DSP"] else 4 + levels + (p["C_BITS"] > 0)
    check_rate(source, sink, latency)
