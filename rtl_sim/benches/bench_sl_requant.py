"""sl_requant: scaling, exact rounding at ties, clipping, latency and rate."""

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
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)

NAMES = (
    *("LANES", "FOLDS", "IN_BITS", "M_BITS", "SHIFT"),
    *("OUT_BITS", "LO", "HI", "ZERO", "USE_DSP"),
)


def requantize(p: Mapping[str, int], x: int, m: int) -> int:
    """The definition, in exact fractions: round() takes a tie to the even neighbour."""
    return min(max(round(Fraction(x * m, 1 << p["SHIFT"])) + p["ZERO"], p["LO"]), p["HI"])


@dataclass(frozen=True)
class Layer:
    """Accumulators [pixels, FOLDS, LANES], multipliers [FOLDS, LANES]."""

    shape: Mapping[str, int]
    x: IntArray
    m: IntArray

    @staticmethod
    def random(dut: Any, pixels: int, seed: int) -> Layer:
        """A third each: whole-range sums, sums that land around the output range, and ties."""
        p = parameters(dut, *NAMES)
        rng = np.random.default_rng(seed)
        shape = (pixels, p["FOLDS"], p["LANES"])
        m = draw(rng, shape[1:], p["M_BITS"])
        low, high = -(1 << (p["IN_BITS"] - 1)), (1 << (p["IN_BITS"] - 1)) - 1
        wide = draw(rng, shape, p["IN_BITS"], signed=True)
        y = rng.integers(p["LO"] - p["ZERO"] - 2, p["HI"] - p["ZERO"] + 2, shape, endpoint=True)
        half = rng.integers(0, 1, shape, endpoint=True)
        near = ((2 * y + half) << p["SHIFT"]) // np.maximum(2 * m, 1)
        near += rng.integers(-1, 1, shape, endpoint=True)
        tied = (
            wide // max(1, 1 << (p["SHIFT"] - 1)) * (1 << (p["SHIFT"] - 1)) if p["SHIFT"] else wide
        )
        kind = rng.integers(0, 3, shape)
        return Layer(p, np.clip(np.choose(kind, (wide, near, tied)), low, high), m)

    def beats(self) -> list[int]:
        """Input beats."""
        return pack(self.x, self.shape["LANES"], self.shape["IN_BITS"])

    def expected(self) -> list[int]:
        """Output beats by the definition."""
        p = self.shape
        m = np.broadcast_to(self.m, self.x.shape)
        y = [requantize(p, int(a), int(b)) for a, b in zip(self.x.flat, m.flat, strict=True)]
        return pack(y, p["LANES"], p["OUT_BITS"])

    def memory(self, dut: Any) -> tuple[Agent]:
        """The multipliers' memory."""
        words = pack(self.m, self.shape["LANES"], self.shape["M_BITS"])
        return (Rom(dut.p_en, dut.p_addr, dut.p_data, words),)


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
    limit = (1 << (p["IN_BITS"] - 1)) // quotient
    low = max(p["LO"] - p["ZERO"] - 2, -limit)
    high = min(p["HI"] - p["ZERO"] + 2, limit - 1)
    steps = np.arange(low, high + 1)[:, None] * quotient
    x = np.unique(steps + np.array([0, quotient // 2 - 1, quotient // 2, quotient // 2 + 1]))
    x = np.clip(x, -(1 << (p["IN_BITS"] - 1)), (1 << (p["IN_BITS"] - 1)) - 1)
    every = np.broadcast_to(x[:, None, None], (len(x), p["FOLDS"], p["LANES"]))
    layer = Layer(p, every, np.full((p["FOLDS"], p["LANES"]), 1 << shift))
    await check_stream(dut, layer.beats(), layer.expected(), agents=layer.memory(dut))


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """The latency of the module's header, without a gap."""
    layer = Layer.random(dut, 30, 3)
    source, sink = await check_stream(
        dut, layer.beats(), layer.expected(), agents=layer.memory(dut)
    )
    digits = (layer.shape["M_BITS"] + 1) // 2
    latency = 4 + (1 if layer.shape["USE_DSP"] else (digits - 1).bit_length())
    assert source.clocks == list(range(len(source.clocks)))
    assert sink.clocks == [clock + latency for clock in source.clocks]
