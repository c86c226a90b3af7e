"""sl_mvu_channel_csd: exact sums at every K, K by frames, its latency and rate, its code check."""

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
    *("SIMD", "PE", "SF", "NF", "X_BITS", "X_SIGNED", "VF", "VECTORS"),
    *("ROWS", "Z_BITS", "ACC_BITS", "PIXELS"),
)


@dataclass(frozen=True)
class Layer:
    """Activations [frames, PIXELS, SF, SIMD], codes [NF, SF, PE, SIMD], bias [NF, PE].

    α are [NF, SF / VF, PE, VECTORS]; `levels` is the K of each frame.
    """

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
        vectors = (p["NF"], p["SF"] // p["VF"], p["PE"], p["VECTORS"])
        return Layer(
            p,
            draw(rng, shape, p["X_BITS"], bool(p["X_SIGNED"])),
            draw_factors(rng, vectors, p["ROWS"]),
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
        terms = self.shape["SIMD"] // self.shape["VECTORS"]
        sums = []
        for x, k in zip(self.x, self.levels, strict=True):
            by_term = np.repeat(kept(self.alphas, k), terms, axis=3)
            weights = np.repeat(by_term, self.shape["VF"], axis=1) * BETA[self.codes]
            sums.append(np.einsum("vfs,nfps->vnp", x, weights))
        return pack(np.stack(sums) + self.bias, self.shape["PE"], self.shape["ACC_BITS"])

    def counts(self) -> IntArray:
        """The negative codes of each vector, in the shape of the α."""
        p = self.shape
        negative = BETA[self.codes] < 0
        parts = negative.reshape(
            p["NF"], -1, p["VF"], p["PE"], p["VECTORS"], p["SIMD"] // p["VECTORS"]
        )
        counts: IntArray = parts.sum(axis=(2, 5))
        return counts

    def agents(self, dut: Any) -> tuple[Agent, ...]:
        """Memories of codes, counts, α and bias, and K."""
        p = self.shape
        vectors, length = p["PE"] * p["VECTORS"], p["VF"] * p["SIMD"] // p["VECTORS"]
        counts = pack(self.counts(), vectors, length.bit_length())
        alphas = pack(row_words(self.alphas, p["ROWS"]), vectors, 3 * p["ROWS"])
        offsets = p["SF"] * p["VECTORS"] << (p["Z_BITS"] - 1)
        bias = pack(self.bias - offsets, p["PE"], p["ACC_BITS"])
        return (
            Rom(dut.w_en, dut.w_addr, dut.w_data, pack(self.codes, p["PE"] * p["SIMD"], 3)),
            Rom(dut.w_en, dut.n_addr, dut.n_data, counts),
            Rom(dut.w_en, dut.a_addr, dut.a_data, alphas),
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
    """A sweep's result comes the same number of clocks after its last beat, without a gap."""
    layer = Layer.random(dut, 5, 3)
    source, sink = await check_stream(
        dut, layer.beats(), layer.expected(), agents=layer.agents(dut)
    )
    assert source.clocks == list(range(len(source.clocks)))
    p = layer.shape
    counts = (p["SIMD"] // p["VECTORS"], p["ROWS"], p["VECTORS"])
    latency = sum((count - 1).bit_length() for count in counts) + 4
    assert sink.clocks == [clock + latency for clock in source.clocks[p["SF"] - 1 :: p["SF"]]]


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
