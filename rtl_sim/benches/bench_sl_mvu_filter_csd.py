"""sl_mvu_filter_csd: exact sums at every K, K by frames, its latency and rate, its code check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.bench_sl_mvu_shift import BAD_CODE, BETA, Alarm
from shiftloom.rtl_sim.benches.quality import MOST, Quality, draw_factors, kept, row_words
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
    *("SIMD", "PE", "SF", "NF", "X_BITS", "X_SIGNED"),
    *("ROWS", "AF", "Z_BITS", "ACC_BITS", "PIXELS"),
)


@dataclass(frozen=True)
class Layer:
    """Activations [frames, PIXELS, SF, SIMD], α [AF, SF, SIMD], codes [NF, SF, PE, SIMD], bias."""

    shape: Mapping[str, int]
    x: IntArray
    alphas: IntArray
    codes: IntArray
    bias: IntArray
    levels: IntArray

    @staticmethod
    def random(dut: Any, frames: int, seed: int, codes: int = BAD_CODE) -> Layer:
        """Whole-range values; codes below `codes`, so that 8 lets the bad one in; a K a frame."""
        p = parameters(dut, *NAMES)
        rng = np.random.default_rng(seed)
        shape = (frames, p["PIXELS"], p["SF"], p["SIMD"])
        return Layer(
            p,
            draw(rng, shape, p["X_BITS"], bool(p["X_SIGNED"])),
            draw_factors(rng, (p["AF"], p["SF"], p["SIMD"]), p["ROWS"]),
            rng.integers(0, codes, size=(p["NF"], p["SF"], p["PE"], p["SIMD"])),
            draw(rng, (p["NF"], p["PE"]), p["ACC_BITS"], signed=True),
            np.append(rng.integers(0, p["ROWS"], frames - 1, endpoint=True), MOST),
        )

    def beats(self) -> list[int]:
        """The vectors as input beats, each sent NF times."""
        repeated = np.repeat(self.x[:, :, None], self.shape["NF"], axis=2)
        return pack(repeated, self.shape["SIMD"], self.shape["X_BITS"])

    def expected(self) -> list[int]:
        """Sums with csd_K of α and plain bias as output beats."""
        sums = [
            np.einsum("vfs,nfs,nfps->vnp", x, self._sweeps(kept(self.alphas, k)), BETA[self.codes])
            for x, k in zip(self.x, self.levels, strict=True)
        ]
        return pack(np.stack(sums) + self.bias, self.shape["PE"], self.shape["ACC_BITS"])

    def _sweeps(self, alphas: IntArray) -> IntArray:
        return np.broadcast_to(alphas, (self.shape["NF"], *alphas.shape[1:]))

    def folded_bias(self) -> IntArray:
        """The bias that the hardware is given: with the missing +1s, without the offsets."""
        negative = (BETA[self.codes] < 0).sum(axis=(1, 3))
        span = 4 << self.shape["Z_BITS"]
        products = self.shape["SF"] * self.shape["SIMD"]
        offsets = products * span // 2 if self.shape["X_SIGNED"] else negative * span
        folded: IntArray = self.bias + negative - offsets
        return folded

    def agents(self, dut: Any) -> tuple[Agent, ...]:
        """Memories of codes, α and bias, and K."""
        p = self.shape
        words = row_words(self.alphas, p["ROWS"])
        bias = pack(self.folded_bias(), p["PE"], p["ACC_BITS"])
        return (
            Rom(dut.w_en, dut.w_addr, dut.w_data, pack(self.codes, p["PE"] * p["SIMD"], 3)),
            Rom(dut.w_en, dut.a_addr, dut.a_data, pack(words, p["SIMD"], 3 * p["ROWS"])),
            Rom(dut.w_en, dut.b_addr, dut.b_data, bias),
            Quality(dut, self.levels.tolist(), p["PIXELS"] * p["NF"] * p["SF"]),
        )


@paced_test
async def computes_exact_sums_at_every_quality(dut: Any, idle: str, stall: str) -> None:
    """Random layers, whose K changes from frame to frame."""
    layer = Layer.random(dut, 8, 1)
    alarm = Alarm(dut)
    agents = (alarm, *layer.agents(dut))
    await check_stream(dut, layer.beats(), layer.expected(), idle, stall, agents=agents)
    assert alarm.clocks == 0


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """A sweep's result comes clog2(SIMD) + clog2(ROWS) + 3 clocks after its last beat."""
    layer = Layer.random(dut, 5, 3)
    source, sink = await check_stream(
        dut, layer.beats(), layer.expected(), agents=layer.agents(dut)
    )
    assert source.clocks == list(range(len(source.clocks)))
    sweep = layer.shape["SF"]
    latency = sum((layer.shape[name] - 1).bit_length() for name in ("SIMD", "ROWS")) + 3
    assert sink.clocks == [clock + latency for clock in source.clocks[sweep - 1 :: sweep]]


@paced_test
async def code_111_counts_as_zero_and_is_reported(dut: Any, idle: str, stall: str) -> None:
    """The result is exact with the bad code as 0; bad_code is high one clock for each such beat."""
    layer = Layer.random(dut, 3, 4, codes=BAD_CODE + 1)
    layer.codes[0, 0, 0, 0] = BAD_CODE
    alarm = Alarm(dut)
    agents = (alarm, *layer.agents(dut))
    await check_stream(dut, layer.beats(), layer.expected(), idle, stall, agents=agents)
    beats = (layer.codes == BAD_CODE).any(axis=(2, 3)).sum()
    assert alarm.clocks == layer.x.shape[0] * layer.x.shape[1] * beats
