"""sl_mvu_csd: exact dot products at a K that changes between frames, its latency and rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.signed_digits import kept
from shiftloom.rtl_sim.benches.bench_sl_csd_multiply import factors, packed_rows
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
from shiftloom.rtl_sim.benches.twin import Twin

NAMES = ("SIMD", "PE", "SF", "NF", "X_BITS", "X_SIGNED", "ROWS", "ACC_BITS", "PIXELS")


class Quality:
    """Shows each frame's K while its first beat is awaited, and anything else in between."""

    def __init__(self, dut: Any, by_frame: IntArray, beats: int) -> None:
        self.dut, self.by_frame, self.beats = dut, by_frame.tolist(), beats
        self.rng = np.random.default_rng(8)
        self.accepted = 0

    def drive(self) -> None:
        """Set the K of the frame that begins, or a random one."""
        frame, beat = divmod(self.accepted, self.beats)
        begins = beat == 0 and frame < len(self.by_frame)
        k = self.by_frame[frame] if begins else int(self.rng.integers(16))
        self.dut.quality.value = k

    def look(self, _clock: int) -> None:
        """Count accepted beats."""
        self.accepted += int(self.dut.s_tvalid.value) & int(self.dut.s_tready.value)


@dataclass(frozen=True)
class Layer:
    """Activations [frames, PIXELS, SF, SIMD], weights [NF, SF, PE, SIMD], bias [NF, PE], K."""

    shape: Mapping[str, int]
    x: IntArray
    weights: IntArray
    bias: IntArray
    k: IntArray

    @staticmethod
    def random(dut: Any, vectors: int, seed: int) -> Layer:
        """Whole-range operands, with zeros among both, and a K from 1 to more than all."""
        p = parameters(dut, *NAMES)
        rng = np.random.default_rng(seed)
        pixels = p["PIXELS"]
        frames = -(-vectors // pixels)
        x = draw(rng, (frames, pixels, p["SF"], p["SIMD"]), p["X_BITS"], bool(p["X_SIGNED"]))
        low, high = factors(p["ROWS"])
        shape = (p["NF"], p["SF"], p["PE"], p["SIMD"])
        weights = rng.integers(low, high, shape, endpoint=True)
        return Layer(
            p,
            np.where(rng.random(x.shape) < 0.2, 0, x),
            np.where(rng.random(shape) < 0.2, 0, weights),
            draw(rng, (p["NF"], p["PE"]), p["ACC_BITS"], signed=True),
            rng.integers(1, p["ROWS"] + 1, frames, endpoint=True),
        )

    @property
    def latency(self) -> int:
        """Enabled clocks from the last beat of a sweep to its output."""
        p = self.shape
        return (p["ROWS"] - 1).bit_length() + (p["SIMD"] - 1).bit_length() + 3

    def beats(self) -> list[int]:
        """The vectors as input beats, each sent NF times."""
        repeated = np.repeat(self.x[:, :, None], self.shape["NF"], axis=2)
        return pack(repeated, self.shape["SIMD"], self.shape["X_BITS"])

    def expected(self) -> list[int]:
        """Plain dot products with csd_K, and bias, as output beats."""
        sums = [
            np.einsum("vfs,nfps->vnp", x, kept(self.weights, k)) + self.bias
            for x, k in zip(self.x, self.k.tolist(), strict=True)
        ]
        return pack(np.stack(sums), self.shape["PE"], self.shape["ACC_BITS"])

    def agents(self, dut: Any) -> tuple[Agent, ...]:
        """Weight and bias memories, and the quality."""
        p = self.shape
        rows = packed_rows(self.weights, p["ROWS"])
        weights = pack(rows, p["PE"] * p["SIMD"], 3 * p["ROWS"])
        product_bits = p["X_BITS"] + 2 * p["ROWS"] + (not p["X_SIGNED"])
        offset = (p["SF"] * p["SIMD"]) << (product_bits - 1)
        bias = pack(self.bias - offset, p["PE"], p["ACC_BITS"])
        return (
            Rom(dut.w_en, dut.w_addr, dut.w_data, weights),
            Rom(dut.w_en, dut.b_addr, dut.b_data, bias),
            Quality(dut, self.k, p["PIXELS"] * p["NF"] * p["SF"]),
        )


@paced_test
async def computes_exact_dot_products(dut: Any, idle: str, stall: str) -> None:
    """Random layers, in the clocks foretold, at every frame's K."""
    layer = Layer.random(dut, 40, 1)
    twin = Twin(dut, pipeline.model(layer.latency, layer.shape["SF"]))
    agents = (*layer.agents(dut), twin)
    await check_stream(dut, layer.beats(), layer.expected(), idle, stall, agents=agents)


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """The latency of the module's header, without a gap."""
    layer = Layer.random(dut, 10, 3)
    source, sink = await check_stream(
        dut, layer.beats(), layer.expected(), agents=layer.agents(dut)
    )
    assert source.clocks == list(range(len(source.clocks)))
    last = source.clocks[layer.shape["SF"] - 1 :: layer.shape["SF"]]
    assert sink.clocks == [clock + layer.latency for clock in last]
