"""What the benches of the matrix units with a quality share: layers, their checks, what must rest.

A unit has a `Weights` of its own: what they are at each K, and what its memories hold of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.rtl_sim.benches.codes import Alarm
from shiftloom.rtl_sim.benches.quality import MOST, Quality
from shiftloom.rtl_sim.benches.streams import Agent, IntArray, check_rate, check_stream, draw, pack
from shiftloom.rtl_sim.benches.twin import Twin

NAMES = (
    *("SIMD", "PE", "SF", "NF", "X_BITS", "X_SIGNED"),
    *("ROWS", "ACC_BITS", "GATE", "PIXELS"),
)
VECTORS = 40
"""At least so many vectors a layer."""


class Weights(Protocol):
    """The weights of a unit with the parameters `shape`."""

    @property
    def shape(self) -> Mapping[str, int]:
        """The unit's parameters."""

    @property
    def latency(self) -> int:
        """Enabled clocks from the last beat of a sweep to its output."""

    def at(self, k: int) -> IntArray:
        """What they are with K digits, [NF, SF, PE, SIMD]."""

    def memories(self, dut: Any, bias: IntArray) -> tuple[Agent, ...]:
        """The unit's memories, with a plain bias [NF, PE] as the compiler folds it."""


@dataclass(frozen=True)
class Layer:
    """Weights, activations [frames, PIXELS, SF, SIMD], plain bias [NF, PE], the K of each frame."""

    weights: Weights
    x: IntArray
    bias: IntArray
    levels: list[int]

    @staticmethod
    def random(weights: Weights, seed: int) -> Layer:
        """Whole-range values with zeros among them; K from none to all digits, and the largest."""
        p, rng = weights.shape, np.random.default_rng(seed)
        frames = -(-VECTORS // p["PIXELS"])
        x = draw(rng, (frames, p["PIXELS"], p["SF"], p["SIMD"]), p["X_BITS"], bool(p["X_SIGNED"]))
        return Layer(
            weights,
            np.where(rng.random(x.shape) < 0.2, 0, x),
            draw(rng, (p["NF"], p["PE"]), p["ACC_BITS"], signed=True),
            [*rng.integers(0, p["ROWS"], frames - 1, endpoint=True).tolist(), MOST],
        )

    def beats(self) -> list[int]:
        """The vectors as input beats, each sent NF times."""
        p = self.weights.shape
        return pack(np.repeat(self.x[:, :, None], p["NF"], axis=2), p["SIMD"], p["X_BITS"])

    def expected(self) -> list[int]:
        """Dot products with the weights at each frame's K, and bias, as output beats."""
        p = self.weights.shape
        sums = [
            np.einsum("vfs,nfps->vnp", x, self.weights.at(k))
            for x, k in zip(self.x, self.levels, strict=True)
        ]
        return pack(np.stack(sums) + self.bias, p["PE"], p["ACC_BITS"])

    def agents(self, dut: Any) -> tuple[Agent, ...]:
        """The memories, and K."""
        p = self.weights.shape
        quality = Quality(dut, self.levels, p["PIXELS"] * p["NF"] * p["SF"])
        return (*self.weights.memories(dut, self.bias), quality)


async def check_sums(
    dut: Any, layer: Layer, idle: str, stall: str, further: Sequence[Agent] = ()
) -> None:
    """Exact sums at every frame's K, in the clocks foretold."""
    weights = layer.weights
    twin = Twin(dut, pipeline.model(weights.latency, weights.shape["SF"]))
    agents = (*layer.agents(dut), twin, *further)
    await check_stream(dut, layer.beats(), layer.expected(), idle, stall, agents=agents)


async def check_interval(dut: Any, layer: Layer) -> None:
    """A beat every clock, and each sum the latency of the module's header after its last beat."""
    source, sink = await check_stream(
        dut, layer.beats(), layer.expected(), agents=layer.agents(dut)
    )
    check_rate(source, sink, layer.weights.latency, layer.weights.shape["SF"])


async def check_alarm(dut: Any, layer: Layer, idle: str, stall: str, bad: int) -> None:
    """Exact sums; bad_code is high in `bad` clocks a vector."""
    alarm = Alarm(dut)
    await check_sums(dut, layer, idle, stall, (alarm,))
    assert alarm.clocks == layer.x.shape[0] * layer.x.shape[1] * bad


async def check_rest(
    dut: Any, layer: Layer, multipliers: Sequence[Any], stages: int, beats: int = 1
) -> None:
    """The operand registers of gated `multipliers` load nothing in idle clocks.

    Their operands come `stages` enabled clocks after the last one of every `beats` beats. With
    GATE = 0 they load in every clock, and nothing is required.
    """
    p = layer.weights.shape
    if p["GATE"] > 0:
        registers = [each for unit in multipliers for each in operands(unit, p)]
        rest = Rest(dut, registers, stages, beats)
        await check_sums(dut, layer, "bursty", "bursty", (rest,))


def operands(multiplier: Any, p: Mapping[str, int]) -> list[Any]:
    """The operand registers of an sl_csd_multiply."""
    if p["GATE"] < 2:
        shared = multiplier.gen_shared
        return [multiplier.rows_q, shared.first_q, shared.x_q]
    rows = [multiplier.gen_own.gen_row[row].i_operand for row in range(p["ROWS"])]
    return [multiplier.rows_q, *(x for row in rows for x in (row.x1, row.x2))]


class Rest:
    """An agent that lets registers change only for the last one of every `beats` beats."""

    def __init__(self, dut: Any, registers: Sequence[Any], stages: int, beats: int) -> None:
        self.dut, self.registers, self.beats = dut, registers, beats
        self.coming = [False] * stages
        self.accepted = 0
        self.may_change = False
        self.before: list[int] = []

    def drive(self) -> None:
        """Drive nothing."""

    def look(self, clock: int) -> None:
        """Compare with the clock before, then move the beats on where the unit is enabled."""
        now = [int(register.value) for register in self.registers]
        is_same = now == self.before or not self.before
        assert is_same or self.may_change, f"clock {clock}: an operand changed without a beat"
        self.before, self.may_change = now, False
        if int(self.dut.s_tready.value):
            is_beat = bool(int(self.dut.s_tvalid.value))
            self.accepted += is_beat
            *early, self.may_change = is_beat and self.accepted % self.beats == 0, *self.coming
            self.coming = early
