"""What the benches of the depthwise units share: a random layer, its beats and its memories."""

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
    check_rate,
    check_stream,
    draw,
    pack,
    parameters,
)
from shiftloom.rtl_sim.benches.twin import Twin

NAMES = ("LANES", "TAPS", "FOLDS", "X_BITS", "X_SIGNED", "ACC_BITS")


@dataclass(frozen=True)
class Layer:
    """Activations [pixels, FOLDS, TAPS, LANES], weights [FOLDS, TAPS, LANES] as numbers, as the
    `bits` of the memory and as the integers `words` there, bias [FOLDS, LANES], and `correction`,
    what the hardware's bias has over it.
    """

    shape: Mapping[str, int]
    x: IntArray
    weights: IntArray
    words: IntArray
    bits: int
    bias: IntArray
    correction: IntArray

    def beats(self) -> list[int]:
        """The input beats."""
        return pack(self.x, self.shape["LANES"], self.shape["X_BITS"])

    def expected(self) -> list[int]:
        """Plain sums and bias as output beats."""
        sums = np.einsum("pftl,ftl->pfl", self.x, self.weights)
        return pack(sums + self.bias, self.shape["LANES"], self.shape["ACC_BITS"])

    def memories(self, dut: Any) -> tuple[Agent, Agent]:
        """Weight and bias memory."""
        lanes = self.shape["LANES"]
        bias = pack(self.bias + self.correction, lanes, self.shape["ACC_BITS"])
        return (
            Rom(dut.w_en, dut.w_addr, dut.w_data, pack(self.words, lanes, self.bits)),
            Rom(dut.w_en, dut.b_addr, dut.b_data, bias),
        )


def operands(dut: Any, pixels: int, seed: int) -> tuple[Mapping[str, int], IntArray, IntArray]:
    """The module's parameters, activations and bias over their whole ranges."""
    p = parameters(dut, *NAMES)
    rng = np.random.default_rng(seed)
    x = draw(
        rng, (pixels, p["FOLDS"], p["TAPS"], p["LANES"]), p["X_BITS"], signed=bool(p["X_SIGNED"])
    )
    return p, x, draw(rng, (p["FOLDS"], p["LANES"]), p["ACC_BITS"], signed=True)


def twin(dut: Any, shape: Mapping[str, int], latency: int) -> Twin:
    """The timing model: a pipeline that makes an output of every TAPS inputs."""
    return Twin(dut, pipeline.model(latency, shape["TAPS"]))


async def check_interval(dut: Any, layer: Layer, latency: int) -> None:
    """A sum comes `latency` clocks after its last tap, without a gap."""
    source, sink = await check_stream(
        dut, layer.beats(), layer.expected(), agents=layer.memories(dut)
    )
    check_rate(source, sink, latency, layer.shape["TAPS"])
