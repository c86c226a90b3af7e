"""sl_engine_post: exact scaling, rounding, residual sums and clips by run-time constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.streams import (
    Bench,
    IntArray,
    bench_test,
    compare,
    draw,
    pack,
    parameters,
)

NAMES = ("LANES", "LANE", "ACC_BITS", "M_BITS", "C_BITS", "F_BITS", "K_BITS")
LATENCY = 15
SETTLING = 2
"""Clocks from the constants to the first sum."""


def rounded(value: int, shift: int, zero: int, lo: int, hi: int) -> int:
    """The definition, in exact fractions: round() takes a tie to the even neighbour."""
    return min(max(round(Fraction(value, 1 << shift)) + zero, lo), hi)


@dataclass(frozen=True)
class Constants:
    """What an instruction holds still while its sums pass."""

    shift: int
    lo: int
    hi: int
    zero: int
    residual: int
    res_signed: int
    m1: int
    m2: int
    add: int
    shift2: int
    lo2: int
    hi2: int
    zero2: int

    @staticmethod
    def random(rng: np.random.Generator, p: Mapping[str, int], residual: bool) -> Constants:
        """Whole-range constants; a shift in three is larger than that of any use."""
        lane = p["LANE"]

        def clip() -> tuple[int, int]:
            signed = int(rng.integers(2))
            low, top = -(signed << (lane - 1)), (1 << (lane - signed)) - 1
            pair = sorted(int(v) for v in rng.integers(low, top, 2, endpoint=True))
            return (low, top) if rng.integers(2) else (pair[0], pair[1])

        def number(bits: int) -> int:
            return int(draw(rng, (1,), bits, signed=True)[0])

        def amount(bits: int) -> int:
            return int(rng.integers(0, bits + 12 * rng.integers(2), endpoint=True))

        (lo, hi), (lo2, hi2) = clip(), clip()
        return Constants(
            *(amount(p["ACC_BITS"] + p["M_BITS"] - lane), lo, hi, number(lane + 1)),
            *(int(residual), int(rng.integers(2))),
            *(number(p["F_BITS"]), number(p["F_BITS"]), number(p["K_BITS"])),
            *(amount(p["F_BITS"]), lo2, hi2, number(lane + 1)),
        )

    def result(self, acc: int, m: int, offset: int, r: int) -> int:
        """The result by the module's header."""
        y = rounded(acc * m + offset, self.shift, self.zero, self.lo, self.hi)
        if not self.residual:
            return y
        total = self.m1 * y + self.m2 * r + self.add
        return rounded(total, self.shift2, self.zero2, self.lo2, self.hi2)


class Beats:
    """Gives a beat of inputs in some clocks, and takes what comes out."""

    def __init__(self, dut: Any, beats: Sequence[tuple[int, int, int]], dense: bool) -> None:
        self.dut, self.beats, self.dense = dut, beats, dense
        self.rng = np.random.default_rng(len(beats))
        self.clock = 0
        self.given: list[int] = []
        self.taken: list[int] = []
        self.results: list[int] = []

    def drive(self) -> None:
        """The next beat, or garbage that is not valid."""
        due = self.clock >= SETTLING and len(self.given) < len(self.beats)
        valid = due and (self.dense or bool(self.rng.integers(2)))
        self.dut.in_valid.value = int(valid)
        acc, scale, res = self.beats[len(self.given) if valid else 0]
        self.dut.acc.value, self.dut.scale.value, self.dut.res.value = acc, scale, res
        if valid:
            self.given.append(self.clock)
        self.clock += 1

    def look(self, clock: int) -> None:
        """Note a result."""
        if int(self.dut.out_valid.value):
            self.taken.append(clock)
            self.results.append(int(self.dut.y.value))


def _near(rng: np.random.Generator, p: Mapping[str, int], k: Constants, m: IntArray) -> IntArray:
    """Sums that land near the clips, ties among them."""
    y = rng.integers(k.lo - k.zero - 2, k.hi - k.zero + 2, m.shape, endpoint=True)
    half = rng.integers(0, 1, m.shape, endpoint=True)
    scaled = ((2 * y + half).astype(object) << k.shift) // np.maximum(2 * m, 1)
    top = 1 << (p["ACC_BITS"] - 1)
    return np.clip(scaled, -top, top - 1).astype(np.int64)


async def check(dut: Any, seed: int, residual: bool, dense: bool, count: int = 60) -> None:
    """One set of constants: results as defined, each 15 clocks after its sums."""
    p = parameters(dut, *NAMES)
    rng = np.random.default_rng(seed)
    k = Constants.random(rng, p, residual)
    shape = (count, p["LANES"])
    m = np.where(rng.random(shape) < 0.3, 1 << (p["M_BITS"] - 1), draw(rng, shape, p["M_BITS"]))
    offset = draw(rng, shape, p["C_BITS"], signed=True) if p["C_BITS"] else np.zeros_like(m)
    wide = draw(rng, shape, p["ACC_BITS"], signed=True)
    acc = np.where(rng.random(shape) < 0.5, wide, _near(rng, p, k, m))
    r = draw(rng, shape, p["LANE"], signed=bool(k.res_signed))
    word_bits = p["C_BITS"] + p["M_BITS"]
    words = (m.astype(object) + (offset.astype(object) << p["M_BITS"])) & ((1 << word_bits) - 1)
    scale = [sum(int(w) << (word_bits * i) for i, w in enumerate(row)) for row in words]
    beats = list(
        zip(
            pack(acc, p["LANES"], p["ACC_BITS"]), scale, pack(r, p["LANES"], p["LANE"]), strict=True
        )
    )
    each = zip(acc.flat, m.flat, offset.flat, r.flat, strict=True)
    expected = [k.result(*map(int, values)) for values in each]
    for name in Constants.__dataclass_fields__:
        getattr(dut, name).value = getattr(k, name)
    agent = Beats(dut, beats, dense)
    bench = Bench(dut, (agent,))
    await bench.start()
    await bench.run(lambda: len(agent.results) == count, 4 * count + 40)
    for _ in range(LATENCY + 1):
        await bench.step()
    bench.stop()
    compare(agent.results, pack(expected, p["LANES"], p["LANE"]))
    assert agent.taken == [clock + LATENCY for clock in agent.given]


@bench_test
async def requantizes(dut: Any) -> None:
    """Without a residual, whatever the second constants and the residual words are."""
    for seed in range(12):
        await check(dut, seed, residual=False, dense=seed % 2 == 0)


@bench_test
async def adds_a_residual(dut: Any) -> None:
    """With a residual, signed or not."""
    for seed in range(20, 36):
        await check(dut, seed, residual=True, dense=seed % 2 == 0)
