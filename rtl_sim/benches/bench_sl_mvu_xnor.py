"""sl_mvu_xnor: dot products of signs and bits by counting, its latency and rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import pipeline
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
from shiftloom.rtl_sim.benches.twin import Twin

NAMES = ("SIMD", "PE", "SF", "NF", "ACC_BITS")


@dataclass(frozen=True)
class Layer:
    """Activations [vectors, SF, SIMD], weights ±1 [NF, SF, PE, SIMD], plain bias [NF, PE]."""

    shape: Mapping[str, int]
    x: IntArray
    weights: IntArray
    bias: IntArray

    @staticmethod
    def random(dut: Any, vectors: int, seed: int) -> Layer:
        """Random signs and bits; the first vector and the first outputs are all ones."""
        p = parameters(dut, *NAMES)
        rng = np.random.default_rng(seed)
        x = rng.integers(0, 2, (vectors, p["SF"], p["SIMD"]))
        weights = rng.choice([-1, 1], (p["NF"], p["SF"], p["PE"], p["SIMD"]))
        x[0], weights[:, :, 0] = 1, 1
        return Layer(p, x, weights, draw(rng, (p["NF"], p["PE"]), p["ACC_BITS"], signed=True))

    @property
    def latency(self) -> int:
        """Enabled clocks from the last beat of a sweep to its output."""
        return 4 + (-(-self.shape["SIMD"] // 6) - 1).bit_length()

    def beats(self) -> list[int]:
        """The vectors as input beats, each sent NF times."""
        repeated = np.repeat(self.x[:, None], self.shape["NF"], axis=1)
        return pack(repeated, self.shape["SIMD"], 1)

    def expected(self) -> list[int]:
        """Plain dot products and bias as output beats."""
        dots = np.einsum("vfs,nfps->vnp", self.x, self.weights)
        return pack(dots + self.bias, self.shape["PE"], self.shape["ACC_BITS"])

    def memories(self, dut: Any) -> tuple[Agent, Agent]:
        """Weight and bias memory; the bias without the number of negative weights."""
        p = self.shape
        bias = pack(self.bias - (self.weights < 0).sum(axis=(1, 3)), p["PE"], p["ACC_BITS"])
        return (
            Rom(dut.w_en, dut.w_addr, dut.w_data, pack(self.weights > 0, p["PE"] * p["SIMD"], 1)),
            Rom(dut.w_en, dut.b_addr, dut.b_data, bias),
        )


@paced_test
async def computes_exact_dot_products(dut: Any, idle: str, stall: str) -> None:
    """Random layers, in the clocks foretold."""
    for seed in (1, 2):
        layer = Layer.random(dut, 40, seed)
        twin = Twin(dut, pipeline.model(layer.latency, layer.shape["SF"]))
        agents = (*layer.memories(dut), twin)
        await check_stream(
            dut, layer.beats(), layer.expected(), idle, stall, seed=seed, agents=agents
        )


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """The latency of the module's header, without a gap."""
    layer = Layer.random(dut, 10, 3)
    source, sink = await check_stream(
        dut, layer.beats(), layer.expected(), agents=layer.memories(dut)
    )
    check_rate(source, sink, layer.latency, layer.shape["SF"])
