"""sl_dw_shift: exact sums of each channel's taps, latency and rate, its check of codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.codes import BAD_CODE, BETA, Alarm
from shiftloom.rtl_sim.benches.depthwise import Layer, check_interval, operands, twin
from shiftloom.rtl_sim.benches.streams import bench_test, check_stream, paced_test

LATENCY = 2


def _layer(dut: Any, pixels: int, seed: int, codes: int = BAD_CODE) -> Layer:
    """A random layer of codes below `codes`, so that 8 lets the bad one in."""
    p, x, bias = operands(dut, pixels, seed)
    words = np.random.default_rng(seed).integers(0, codes, (p["FOLDS"], p["TAPS"], p["LANES"]))
    words[0, 0, 0] = codes - 1
    weights = BETA[words]
    negative, span = (weights < 0).sum(axis=1), 4 << p["X_BITS"]
    correction = negative - (p["TAPS"] * span // 2 if p["X_SIGNED"] else negative * span)
    return Layer(p, x, weights, words, 3, bias, correction)


@paced_test
async def computes_exact_sums(dut: Any, idle: str, stall: str) -> None:
    """Random layers, in the clocks foretold."""
    for seed in (1, 2):
        layer = _layer(dut, 12, seed)
        alarm = Alarm(dut)
        memories = layer.memories(dut)
        agents = (alarm, *memories, twin(dut, layer.shape, LATENCY))
        await check_stream(
            dut, layer.beats(), layer.expected(), idle, stall, seed=seed, agents=agents
        )
        assert alarm.clocks == 0


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """The latency of the module's header, without a gap."""
    await check_interval(dut, _layer(dut, 10, 3), LATENCY)


@paced_test
async def code_111_counts_as_zero_and_is_reported(dut: Any, idle: str, stall: str) -> None:
    """The sum is exact with the bad code as 0; bad_code is high one clock for each such beat."""
    layer = _layer(dut, 10, 4, codes=BAD_CODE + 1)
    alarm = Alarm(dut)
    agents = (alarm, *layer.memories(dut))
    await check_stream(dut, layer.beats(), layer.expected(), idle, stall, agents=agents)
    assert alarm.clocks == len(layer.x) * (layer.words == BAD_CODE).any(axis=2).sum()
