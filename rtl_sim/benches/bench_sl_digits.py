"""sl_digits: every digit of every element, highest first, one a clock."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import splitter
from shiftloom.rtl_sim.benches.streams import (
    bench_test,
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)
from shiftloom.rtl_sim.benches.twin import Twin


def _beats(dut: Any, count: int, seed: int) -> tuple[list[int], list[int]]:
    """Random elements as input beats, and their digits as output beats."""
    p = parameters(dut, "ELEMS", "BITS", "DIGIT", "IS_SIGNED")
    elements, bits, digit, signed = p.values()
    x = draw(np.random.default_rng(seed), (count, 1, elements), bits, signed=bool(signed))
    shifts = np.arange(-(-bits // digit) - 1, -1, -1).reshape(1, -1, 1) * digit
    return pack(x, elements, bits), pack((x >> shifts) & ((1 << digit) - 1), elements, digit)


@paced_test
async def gives_every_digit(dut: Any, idle: str, stall: str) -> None:
    """Most significant digits first, with the handshakes of the compiler's model."""
    beats, expected = _beats(dut, 100, seed=1)
    digits = len(expected) // len(beats)
    agents = [Twin(dut, splitter.model(digits))] if digits > 1 else []
    await check_stream(dut, beats, expected, idle, stall, agents=agents)


@bench_test
async def flows_at_full_rate(dut: Any) -> None:
    """A digit every clock; 1 clock of latency, none where an element is one digit."""
    beats, expected = _beats(dut, 50, seed=2)
    source, sink = await check_stream(dut, beats, expected)
    assert sink.clocks[-1] - sink.clocks[0] == len(expected) - 1
    assert sink.clocks[0] - source.clocks[0] == int(len(expected) > len(beats))
