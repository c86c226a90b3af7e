"""sl_mvu_csd: exact dot products at a K that changes between frames, its latency and rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shiftloom.codegen.signed_digits import kept, row_words
from shiftloom.rtl_sim.benches import matrix
from shiftloom.rtl_sim.benches.matrix import Layer, check_interval, check_rest, check_sums
from shiftloom.rtl_sim.benches.quality import largest
from shiftloom.rtl_sim.benches.streams import (
    Agent,
    IntArray,
    Rom,
    bench_test,
    paced_test,
    pack,
    parameters,
)


@dataclass(frozen=True)
class Digits:
    """Weights [NF, SF, PE, SIMD] as signed digits."""

    shape: Mapping[str, int]
    values: IntArray

    @staticmethod
    def random(dut: Any, seed: int) -> Digits:
        """All that the rows hold, with zeros among them."""
        p = parameters(dut, *matrix.NAMES)
        rng = np.random.default_rng(seed)
        top = largest(p["ROWS"])
        values = rng.integers(-top, top, (p["NF"], p["SF"], p["PE"], p["SIMD"]), endpoint=True)
        return Digits(p, np.where(rng.random(values.shape) < 0.2, 0, values))

    @property
    def latency(self) -> int:
        """Enabled clocks from the last beat of a sweep to its output."""
        return sum((self.shape[name] - 1).bit_length() for name in ("SIMD", "ROWS")) + 3

    def at(self, k: int) -> IntArray:
        """csd_K."""
        return kept(self.values, k)

    def memories(self, dut: Any, bias: IntArray) -> tuple[Agent, ...]:
        """Weights, and the bias without what products as numbers without sign have too much."""
        p = self.shape
        words = pack(row_words(self.values, p["ROWS"]), p["PE"] * p["SIMD"], 3 * p["ROWS"])
        product_bits = p["X_BITS"] + 2 * p["ROWS"] + (not p["X_SIGNED"])
        offset = (p["SF"] * p["SIMD"]) << (product_bits - 1)
        return (
            Rom(dut.w_en, dut.w_addr, dut.w_data, words),
            Rom(dut.w_en, dut.b_addr, dut.b_data, pack(bias - offset, p["PE"], p["ACC_BITS"])),
        )


@paced_test
async def computes_exact_dot_products(dut: Any, idle: str, stall: str) -> None:
    """Random layers, in the clocks foretold, at every frame's K."""
    await check_sums(dut, Layer.random(Digits.random(dut, 1), 2), idle, stall)


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """The latency of the module's header, without a gap."""
    await check_interval(dut, Layer.random(Digits.random(dut, 3), 4))


@bench_test
async def operands_rest_in_idle_clocks(dut: Any) -> None:
    """The operand registers hold while no beat comes."""
    weights = Digits.random(dut, 5)
    multipliers = [
        dut.gen_pe[pe].gen_product[simd].i_multiply
        for pe in range(weights.shape["PE"])
        for simd in range(weights.shape["SIMD"])
    ]
    await check_rest(dut, Layer.random(weights, 6), multipliers, 1)
