"""sl_add: scaled sums of two streams, exact rounding, extreme operands, latency and rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import add
from shiftloom.rtl_sim.benches.streams import (
    Agent,
    IntArray,
    Rom,
    bench_test,
    check_rate,
    check_streams,
    draw,
    paced_test,
    pack,
    parameters,
)
from shiftloom.rtl_sim.benches.twin import Twin

NAMES = (
    *("LANES", "A_BITS", "A_SIGNED", "B_BITS", "B_SIGNED", "M_BITS", "C_BITS"),
    *("SHIFT", "OUT_BITS", "LO", "HI", "ZERO", "USE_DSP"),
)


@dataclass(frozen=True)
class Case:
    """Operands [beats, LANES] and the constants."""

    shape: Mapping[str, int]
    a: IntArray
    b: IntArray
    m1: int
    m2: int
    c: int

    @staticmethod
    def random(dut: Any, beats: int, seed: int) -> Case:
        """Whole-range operands; constants whose sums lie around the output range, with ties."""
        p = parameters(dut, *NAMES)
        rng = np.random.default_rng(seed)
        m1, m2 = (int(m) for m in rng.integers(*_range(p["M_BITS"], True), 2, endpoint=True))
        unit = 1 << max(0, min(p["SHIFT"], p["M_BITS"] - 1) - 3)
        low, high = _range(p["C_BITS"], True)
        centre = (p["LO"] + p["HI"] - 2 * p["ZERO"] << p["SHIFT"]) // 2
        c = int(np.clip(centre, low, high)) // unit * unit
        a = draw(rng, (beats, p["LANES"]), p["A_BITS"], bool(p["A_SIGNED"]))
        b = draw(rng, (beats, p["LANES"]), p["B_BITS"], bool(p["B_SIGNED"]))
        return Case(p, a, b, m1 // unit * unit, m2 // unit * unit, c)

    @staticmethod
    def extreme(dut: Any, signs: tuple[int, int, int]) -> Case:
        """Constants at an end of their range, and every pair of operands at the ends of theirs."""
        p = parameters(dut, *NAMES)
        m1, m2, c = (
            _range(p[name], True)[sign]
            for name, sign in zip(("M_BITS", "M_BITS", "C_BITS"), signs, strict=True)
        )
        corners = np.array(
            [
                (a, b)
                for a in _range(p["A_BITS"], bool(p["A_SIGNED"]))
                for b in _range(p["B_BITS"], bool(p["B_SIGNED"]))
            ]
        )
        a, b = (np.repeat(side[:, None], p["LANES"], axis=1) for side in corners.T)
        return Case(p, a, b, m1, m2, c)

    def beats(self) -> dict[str, list[int]]:
        """Input beats of both streams."""
        p = self.shape
        return {
            "s0": pack(self.a, p["LANES"], p["A_BITS"]),
            "s1": pack(self.b, p["LANES"], p["B_BITS"]),
        }

    def expected(self) -> dict[str, list[int]]:
        """Output beats by the definition: round() takes a tie to the even neighbour."""
        p = self.shape
        y = [
            round(Fraction(self.m1 * a + self.m2 * b + self.c, 1 << p["SHIFT"])) + p["ZERO"]
            for a, b in zip(self.a.ravel().tolist(), self.b.ravel().tolist(), strict=True)
        ]
        return {"m": pack(np.clip(y, p["LO"], p["HI"]), p["LANES"], p["OUT_BITS"])}

    def memory(self, dut: Any) -> tuple[Agent]:
        """The constants, already there at the first clock."""
        p = self.shape
        (m1,), (m2,) = (pack([m], 1, p["M_BITS"]) for m in (self.m1, self.m2))
        (c,) = pack([self.c], 1, p["C_BITS"])
        word = m1 | m2 << p["M_BITS"] | c << (2 * p["M_BITS"])
        rom = Rom(dut.k_en, dut.k_addr, dut.k_data, [word])
        rom.word = word
        return (rom,)


def latency(p: Mapping[str, int]) -> int:
    """Enabled clocks from in to out."""
    digits = -(-max(p["A_BITS"], p["B_BITS"]) // 4)
    return 7 if p["USE_DSP"] else 4 + (digits - 1).bit_length()


def _range(bits: int, signed: bool) -> tuple[int, int]:
    top = 1 << (bits - signed)
    return -top if signed else 0, top - 1


@paced_test
async def equals_the_definition(dut: Any, idle: str, stall: str) -> None:
    """Random operands and constants under every pace, in the clocks foretold."""
    for seed in (1, 2):
        case = Case.random(dut, 200, seed)
        twin = Twin(dut, add.model(latency(case.shape)), sources=("s0", "s1"))
        agents = (*case.memory(dut), twin)
        await check_streams(
            dut, case.beats(), case.expected(), idle, stall, seed=seed, agents=agents
        )


@bench_test
async def reaches_the_extreme_sums(dut: Any) -> None:
    """The largest and the smallest sums are exact, for constants of either sign."""
    for signs in np.ndindex(2, 2, 2):
        case = Case.extreme(dut, signs)
        await check_streams(dut, case.beats(), case.expected(), agents=case.memory(dut))


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """The latency of the module's header, without a gap."""
    case = Case.random(dut, 30, 3)
    sources, (sink,) = await check_streams(
        dut, case.beats(), case.expected(), agents=case.memory(dut)
    )
    for source in sources:
        check_rate(source, sink, latency(case.shape))
