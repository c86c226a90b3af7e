"""sl_mvu_shift: exact dot products of shift codes, its latency and rate, its check of codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.codes import BAD_CODE, BETA, Alarm
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

NAMES = ("SIMD", "PE", "SF", "NF", "X_BITS", "X_SIGNED", "ACC_BITS")


@dataclass(frozen=True)
class Layer:
    """Activations [vectors, SF, SIMD], codes [NF, SF, PE, SIMD], plain bias [NF, PE]."""

    shape: Mapping[str, int]
    x: IntArray
    codes: IntArray
    bias: IntArray

    @staticmethod
    def random(dut: Any, vectors: int, seed: int, codes: int = BAD_CODE) -> Layer:
        """Whole-range values; codes below `codes`, so that 8 lets the bad one in."""
        p = parameters(dut, *NAMES)
        rng = np.random.default_rng(seed)
        return Layer(
            p,
            draw(rng, (vectors, p["SF"], p["SIMD"]), p["X_BITS"], bool(p["X_SIGNED"])),
            rng.integers(0, codes, size=(p["NF"], p["SF"], p["PE"], p["SIMD"])),
            draw(rng, (p["NF"], p["PE"]), p["ACC_BITS"], signed=True),
        )

    def beats(self) -> list[int]:
        """The vectors as input beats, each sent NF times."""
        repeated = np.repeat(self.x[:, None], self.shape["NF"], axis=1)
        return pack(repeated, self.shape["SIMD"], self.shape["X_BITS"])

    def expected(self) -> list[int]:
        """Plain dot products and bias as output beats."""
        dots = np.einsum("vfs,nfps->vnp", self.x, BETA[self.codes])
        return pack(dots + self.bias, self.shape["PE"], self.shape["ACC_BITS"])

    def folded_bias(self) -> IntArray:
        """The bias that the hardware is given: with the missing +1s, without the offsets."""
        negative = (BETA[self.codes] < 0).sum(axis=(1, 3))
        span = 4 << self.shape["X_BITS"]
        products = self.shape["SF"] * self.shape["SIMD"]
        offsets = products * span // 2 if self.shape["X_SIGNED"] else negative * span
        folded: IntArray = self.bias + negative - offsets
        return folded

    def memories(self, dut: Any) -> tuple[Agent, Agent]:
        """Weight and bias memory."""
        lanes = self.shape["PE"] * self.shape["SIMD"]
        bias = pack(self.folded_bias(), self.shape["PE"], self.shape["ACC_BITS"])
        memories = (
            Rom(dut.w_en, dut.w_addr, dut.w_data, pack(self.codes, lanes, 3)),
            Rom(dut.w_en, dut.b_addr, dut.b_data, bias),
        )
        if parameters(dut, "AHEAD")["AHEAD"]:
            for memory in memories:
                memory.word = memory.words[0]  # read in reset, while the agents are quiet
        return memories


@paced_test
async def computes_exact_dot_products(dut: Any, idle: str, stall: str) -> None:
    """Random layers."""
    for seed in (1, 2):
        layer = Layer.random(dut, 40, seed)
        alarm = Alarm(dut)
        agents = (alarm, *layer.memories(dut))
        await check_stream(
            dut, layer.beats(), layer.expected(), idle, stall, seed=seed, agents=agents
        )
        assert alarm.clocks == 0


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """A sweep's result comes clog2(SIMD) + 2 clocks after its last beat, without a gap."""
    layer = Layer.random(dut, 10, 3)
    source, sink = await check_stream(
        dut, layer.beats(), layer.expected(), agents=layer.memories(dut)
    )
    latency = (layer.shape["SIMD"] - 1).bit_length() + 2
    check_rate(source, sink, latency, layer.shape["SF"])


@paced_test
async def code_111_counts_as_zero_and_is_reported(dut: Any, idle: str, stall: str) -> None:
    """The result is exact with the bad code as 0; bad_code is high one clock for each such beat."""
    layer = Layer.random(dut, 10, 4, codes=BAD_CODE + 1)
    layer.codes[0, 0, 0, 0] = BAD_CODE
    alarm = Alarm(dut)
    agents = (alarm, *layer.memories(dut))
    await check_stream(dut, layer.beats(), layer.expected(), idle, stall, agents=agents)
    assert alarm.clocks == len(layer.x) * (layer.codes == BAD_CODE).any(axis=(2, 3)).sum()
