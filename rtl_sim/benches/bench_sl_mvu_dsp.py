"""sl_mvu_dsp: exact dot products up to the last value of a field, its latency and rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

NAMES = (
    *("SIMD", "PE", "SF", "NF", "X_BITS", "X_SIGNED"),
    *("W_BITS", "PACK", "FIELD", "GROUP", "ACC_BITS"),
)


def weight_fields(weights: list[int], field: int) -> list[int]:
    """Fields of the integer Σ w[o]·2^(o·field), cut from the lowest up: w[o] or w[o] − 1."""
    fields, below = [], 0
    for place, weight in enumerate(weights):
        fields.append(weight - (below < 0))
        below += weight << (place * field)
    return fields


@dataclass(frozen=True)
class Layer:
    """Activations [vectors, SF, SIMD], weights [NF, SF, PE, SIMD], plain bias [NF, PE]."""

    shape: Mapping[str, int]
    x: IntArray
    weights: IntArray
    bias: IntArray

    @staticmethod
    def random(dut: Any, vectors: int, seed: int) -> Layer:
        """Whole-range activations, weights as large as any activations allow."""
        p = parameters(dut, *NAMES)
        rng = np.random.default_rng(seed)
        largest = (1 << (p["X_BITS"] - 1)) if p["X_SIGNED"] else (1 << p["X_BITS"]) - 1
        top = min(
            (1 << (p["W_BITS"] - 1)) - 1,
            ((1 << (p["FIELD"] - 1)) - 1) // (p["GROUP"] * largest),
        )
        assert top >= 1
        return Layer(
            p,
            draw(rng, (vectors, p["SF"], p["SIMD"]), p["X_BITS"], bool(p["X_SIGNED"])),
            rng.integers(-top, top, size=(p["NF"], p["SF"], p["PE"], p["SIMD"]), endpoint=True),
            draw(rng, (p["NF"], p["PE"]), p["ACC_BITS"], signed=True),
        )

    @staticmethod
    def extreme(dut: Any, negative: IntArray) -> Layer:
        """Each chain's sums at the last value of a field: −2^(FIELD−1) where `negative`, or below.

        `negative` [PE] says which outputs go down; the others go up to the same magnitude.
        """
        layer = Layer.random(dut, 1, 1)
        p = layer.shape
        limit = (1 << (p["FIELD"] - 1)) - (not negative.all())
        largest = (1 << (p["X_BITS"] - bool(p["X_SIGNED"]))) - 1
        x, w = _reach(limit, p["GROUP"], (1 << (p["W_BITS"] - 1)) - 1, largest)
        chains = p["SIMD"] // p["GROUP"]
        signed = np.where(negative, -1, 1)[:, None] * np.tile(w, chains)
        weights = np.broadcast_to(signed, layer.weights.shape).copy()
        beats = np.broadcast_to(np.tile(x, chains), layer.x.shape).copy()
        return Layer(p, beats, weights, layer.bias)

    @property
    def latency(self) -> int:
        """Enabled clocks from the last beat of a sweep to its output."""
        p = self.shape
        return p["GROUP"] + (p["SIMD"] // p["GROUP"] - 1).bit_length() + 3

    def beats(self) -> list[int]:
        """The vectors as input beats, each sent NF times."""
        repeated = np.repeat(self.x[:, None], self.shape["NF"], axis=1)
        return pack(repeated, self.shape["SIMD"], self.shape["X_BITS"])

    def expected(self) -> list[int]:
        """Plain dot products and bias as output beats."""
        dots = np.einsum("vfs,nfps->vnp", self.x, self.weights)
        return pack(dots + self.bias, self.shape["PE"], self.shape["ACC_BITS"])

    def words(self, memory: int) -> list[int]:
        """Words of one of the GROUP weight memories."""
        p = self.shape
        padded = np.pad(self.weights, ((0, 0), (0, 0), (0, -p["PE"] % p["PACK"]), (0, 0)))
        own = padded[..., memory :: p["GROUP"]].reshape(
            p["NF"] * p["SF"], -1, p["PACK"], p["SIMD"] // p["GROUP"]
        )
        by_chain = own.transpose(0, 3, 1, 2)  # address, chain, block, output of the block
        fields = [
            weight_fields(block, p["FIELD"]) for block in by_chain.reshape(-1, p["PACK"]).tolist()
        ]
        return pack(fields, by_chain[0].size, p["W_BITS"])

    def memories(self, dut: Any) -> tuple[Agent, Agent]:
        """Weight and bias memories."""
        p = self.shape
        offset = p["SF"] * (p["SIMD"] // p["GROUP"]) << (p["FIELD"] - 1)
        bias = pack(self.bias - offset, p["PE"], p["ACC_BITS"])
        return WeightMemories(dut, self), Rom(dut.w_en, dut.b_addr, dut.b_data, bias)


def _reach(limit: int, terms: int, top: int, largest: int) -> tuple[IntArray, IntArray]:
    """Activations and weights [terms] whose dot product is `limit`, or as near as they come."""
    pairs = []
    for _ in range(terms):
        weight = min(top, limit // largest) or 1
        value = min(limit, largest)
        pairs.append((value, weight))
        limit -= value * weight
    x, w = np.array(pairs).T
    return x, w


class WeightMemories:
    """All weight memories behind the module's packed ports."""

    def __init__(self, dut: Any, layer: Layer) -> None:
        self.dut = dut
        p = layer.shape
        self.words = [layer.words(memory) for memory in range(p["GROUP"])]
        self.width = len(dut.w_data) // p["GROUP"]
        self.addr_bits = max(1, (p["SF"] * p["NF"] - 1).bit_length())
        self.data = 0
        dut.w_data.value = 0

    def drive(self) -> None:
        """Show the words that were read in the clock before."""
        self.dut.w_data.value = self.data

    def look(self, _clock: int) -> None:
        """Read every memory where enabled; an address outside a memory reads as 0."""
        if not int(self.dut.w_en.value):
            return
        packed = int(self.dut.w_addr.value)
        self.data = sum(word << (self.width * i) for i, word in enumerate(self._read(packed)))

    def _read(self, packed: int) -> Iterator[int]:
        for index, words in enumerate(self.words):
            address = packed >> (index * self.addr_bits) & ((1 << self.addr_bits) - 1)
            yield words[address] if address < len(words) else 0


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


@bench_test
async def fills_a_field_to_its_last_value(dut: Any) -> None:
    """All outputs at the lowest value, at the highest, and neighbours at opposite ends."""
    outputs = parameters(dut, "PE")["PE"]
    odd = np.arange(outputs) % 2 == 1
    for negative in (odd, ~odd, odd | True, odd & False):
        layer = Layer.extreme(dut, negative)
        await check_stream(dut, layer.beats(), layer.expected(), agents=layer.memories(dut))
