"""sl_csd_multiply: exact products under a stalled enable; registers that hold where it is gated."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from shiftloom.codegen.signed_digits import row_words
from shiftloom.rtl_sim.benches.quality import largest
from shiftloom.rtl_sim.benches.streams import IntArray, bench_test, bursts, draw, parameters

PRODUCTS = 1500
EXHAUSTIVE = 1 << 12


def packed_rows(values: IntArray, rows: int) -> list[int]:
    """The codes of all rows of each value as one word."""
    words: list[int] = row_words(values.ravel(), rows).tolist()
    return words


@dataclass
class Multiplier:
    """The module beside the products that it owes."""

    dut: Any
    p: dict[str, int]
    owed: deque[int] = field(default_factory=deque)

    @property
    def latency(self) -> int:
        """Enabled clocks from operands to product."""
        return 1 + (self.p["ROWS"] - 1).bit_length()

    async def run(self, x: IntArray, a: IntArray, pauses: Any) -> None:
        """Multiply x[i]·a[i] one after the other; `pauses` says whether a clock is enabled."""
        words = packed_rows(a, self.p["ROWS"])
        mask = (1 << self.p["X_BITS"]) - 1
        for value, factor, word in zip(x.tolist(), a.tolist(), words, strict=True):
            self.dut.x.value, self.dut.rows.value = value & mask, word
            while True:
                enabled = next(pauses)
                self.dut.en.value = int(enabled)
                await FallingEdge(self.dut.clk)
                if enabled:
                    break
                self.compare()
            self.owed.append(value * factor)
            if len(self.owed) > self.latency:
                self.owed.popleft()
            self.compare()

    def compare(self) -> None:
        """The product that is due, in every clock that one is."""
        if len(self.owed) == self.latency:
            got = self.dut.p.value.to_signed()
            assert got == self.owed[0], f"got {got}, expected {self.owed[0]}"


def started(dut: Any) -> Multiplier:
    """The module with its clock running."""
    Clock(dut.clk, 10, "ns").start()
    return Multiplier(dut, dict(parameters(dut, "X_BITS", "X_SIGNED", "ROWS", "GATE")))


def operands(p: dict[str, int]) -> tuple[IntArray, IntArray]:
    """All pairs where they are few, else random ones with many zeros and extremes."""
    rng = np.random.default_rng(5)
    high = largest(p["ROWS"])
    low = -high
    span = 1 << p["X_BITS"]
    start = -span // 2 if p["X_SIGNED"] else 0
    if span * (high - low + 1) <= EXHAUSTIVE:
        x, a = np.meshgrid(np.arange(start, start + span), np.arange(low, high + 1))
        order = rng.permutation(x.size)
        return x.ravel()[order], a.ravel()[order]
    x = draw(rng, (PRODUCTS,), p["X_BITS"], bool(p["X_SIGNED"]))
    a = rng.integers(low, high, PRODUCTS, endpoint=True)
    a = np.where(rng.random(PRODUCTS) < 0.2, rng.choice([low, high], PRODUCTS), a)
    digits = rng.integers(0, 2 * p["ROWS"], PRODUCTS)
    a = np.where(rng.random(PRODUCTS) < 0.3, np.minimum(np.int64(1) << digits, high), a)
    zeros = rng.random((2, PRODUCTS)) < 0.25
    return np.where(zeros[0], 0, x), np.where(zeros[1], 0, a)


@bench_test
async def is_exact_under_stalls(dut: Any) -> None:
    """Every product in its clock, held while the enable is low."""
    multiplier = started(dut)
    await multiplier.run(*operands(multiplier.p), bursts(3))


@bench_test
async def holds_where_it_is_gated(dut: Any) -> None:
    """A zero operand leaves the last factor's rows in place, from grain 1 on."""
    multiplier = started(dut)
    p = multiplier.p
    top = largest(p["ROWS"])
    for x, a in ((1, top), (0, 1), (1, 0)):
        await multiplier.run(np.array([x]), np.array([a]), iter([True]))
        kept = packed_rows(np.array([top if p["GATE"] else a]), p["ROWS"])[0]
        assert int(dut.rows_q.value) == kept
