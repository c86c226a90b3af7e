"""sl_mvu_filter_csd: exact sums at every K, K by frames, its latency and rate, its code check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shiftloom.codegen.signed_digits import kept, row_words
from shiftloom.rtl_sim.benches import matrix
from shiftloom.rtl_sim.benches.codes import BAD_CODE, BETA
from shiftloom.rtl_sim.benches.matrix import Layer, check_alarm, check_interval, check_rest
from shiftloom.rtl_sim.benches.quality import draw_factors
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
class Scaled:
    """Codes [NF, SF, PE, SIMD] times α [AF, SF, SIMD]."""

    shape: Mapping[str, int]
    alphas: IntArray
    codes: IntArray

    @staticmethod
    def random(dut: Any, seed: int, codes: int = BAD_CODE) -> Scaled:
        """Codes below `codes`, so that 8 lets the bad one in."""
        p = parameters(dut, *matrix.NAMES, "AF", "Z_BITS")
        rng = np.random.default_rng(seed)
        return Scaled(
            p,
            draw_factors(rng, (p["AF"], p["SF"], p["SIMD"]), p["ROWS"]),
            rng.integers(0, codes, size=(p["NF"], p["SF"], p["PE"], p["SIMD"])),
        )

    @property
    def latency(self) -> int:
        """Enabled clocks from the last beat of a sweep to its output."""
        return sum((self.shape[name] - 1).bit_length() for name in ("SIMD", "ROWS")) + 3

    def at(self, k: int) -> IntArray:
        """β·csd_K(α)."""
        weights: IntArray = BETA[self.codes] * kept(self.alphas, k)[:, :, None]
        return weights

    def memories(self, dut: Any, bias: IntArray) -> tuple[Agent, ...]:
        """Codes, α, and the bias with the missing +1s, without the offsets."""
        p = self.shape
        codes = pack(self.codes, p["PE"] * p["SIMD"], 3)
        alphas = pack(row_words(self.alphas, p["ROWS"]), p["SIMD"], 3 * p["ROWS"])
        negative = (BETA[self.codes] < 0).sum(axis=(1, 3))
        span = 4 << p["Z_BITS"]
        offsets = p["SF"] * p["SIMD"] * span // 2 if p["X_SIGNED"] else negative * span
        folded = pack(bias + negative - offsets, p["PE"], p["ACC_BITS"])
        return (
            Rom(dut.w_en, dut.w_addr, dut.w_data, codes),
            Rom(dut.w_en, dut.a_addr, dut.a_data, alphas),
            Rom(dut.w_en, dut.b_addr, dut.b_data, folded),
        )


@paced_test
async def computes_exact_sums_at_every_quality(dut: Any, idle: str, stall: str) -> None:
    """Random layers, whose K changes from frame to frame."""
    await check_alarm(dut, Layer.random(Scaled.random(dut, 1), 2), idle, stall, 0)


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """The latency of the module's header, without a gap."""
    await check_interval(dut, Layer.random(Scaled.random(dut, 3), 4))


@paced_test
async def code_111_counts_as_zero_and_is_reported(dut: Any, idle: str, stall: str) -> None:
    """The result is exact with the bad code as 0; bad_code is high one clock for each such beat."""
    weights = Scaled.random(dut, 5, codes=BAD_CODE + 1)
    weights.codes[0, 0, 0, 0] = BAD_CODE
    beats = int((weights.codes == BAD_CODE).any(axis=(2, 3)).sum())
    await check_alarm(dut, Layer.random(weights, 6), idle, stall, beats)


@bench_test
async def operands_rest_in_idle_clocks(dut: Any) -> None:
    """The operand registers hold while no beat comes."""
    weights = Scaled.random(dut, 7)
    multipliers = [dut.gen_lane[simd].i_multiply for simd in range(weights.shape["SIMD"])]
    await check_rest(dut, Layer.random(weights, 8), multipliers, 1)
