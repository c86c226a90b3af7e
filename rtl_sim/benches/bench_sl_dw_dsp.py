"""sl_dw_dsp: exact sums of each channel's taps with integer weights, latency and rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.depthwise import Layer, check_interval, operands, twin
from shiftloom.rtl_sim.benches.streams import (
    bench_test,
    check_stream,
    draw,
    paced_test,
    parameters,
)

LATENCY = 4


def _layer(dut: Any, pixels: int, seed: int) -> Layer:
    """A random layer over the whole range of the weights."""
    p, x, bias = operands(dut, pixels, seed)
    bits = parameters(dut, "W_BITS")["W_BITS"]
    rng = np.random.default_rng(seed)
    weights = draw(rng, (p["FOLDS"], p["TAPS"], p["LANES"]), bits, signed=True)
    return Layer(p, x, weights, weights, bits, bias, np.zeros_like(bias))


@paced_test
async def computes_exact_sums(dut: Any, idle: str, stall: str) -> None:
    """Random layers, in the clocks foretold."""
    for seed in (1, 2):
        layer = _layer(dut, 12, seed)
        memories = layer.memories(dut)
        agents = (*memories, twin(dut, layer.shape, LATENCY))
        await check_stream(
            dut, layer.beats(), layer.expected(), idle, stall, seed=seed, agents=agents
        )


@bench_test
async def takes_a_beat_every_clock(dut: Any) -> None:
    """The latency of the module's header, without a gap."""
    await check_interval(dut, _layer(dut, 10, 3), LATENCY)
