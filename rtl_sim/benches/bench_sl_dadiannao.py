"""sl_dadiannao: whole small networks, exact, at the clocks of its header.

The environment variable ENGINE_NET names one of `engine_nets.NETS`, whose parameters the module
was built with.
"""

from __future__ import annotations

import os
from itertools import pairwise
from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.engine_nets import ACC_BITS, NETS, Net
from shiftloom.rtl_sim.benches.streams import (
    Rom,
    Sink,
    Source,
    bench_test,
    check_stream,
    draw,
    paced_test,
    pack,
)

NET = NETS[os.environ["ENGINE_NET"]]()


def beats(net: Net, frames: int) -> tuple[list[int], list[int]]:
    """Random frames as beats, and the beats that they must give."""
    r, lane = net.format.r, net.format.lane
    x = draw(np.random.default_rng(frames), (frames, *net.size), lane, net.input_signed)
    sums = np.stack([net.expected(frame) for frame in x])
    channels = sums.shape[-1]
    padded = np.pad(sums, ((0, 0), (0, 0), (0, 0), (0, -channels % r)))
    return pack(x, net.e, lane), pack(padded, r, ACC_BITS)


async def check(dut: Any, idle: str, stall: str, frames: int) -> tuple[Source, Sink]:
    """Frames back to back."""
    given, expected = beats(NET, frames)
    words = NET.memories()
    roms = [
        Rom(*(getattr(dut, f"{port}_{pin}") for pin in ("en", "addr", "data")), words[port])
        for port in words
    ]
    return await check_stream(
        dut, given, expected, idle, stall, agents=roms, limit=frames * NET.clocks * 4 + 2000
    )


@paced_test
async def computes_frames(dut: Any, idle: str, stall: str) -> None:
    """Exactly, whatever the paces."""
    await check(dut, idle, stall, 4)


@bench_test
async def takes_the_clocks_of_its_header(dut: Any) -> None:
    """A frame, and frames back to back where the input comes in behind its last reader."""
    frames = 5
    source, sink = await check(dut, "full", "full", frames)
    ends = sink.clocks[len(sink.clocks) // frames - 1 :: len(sink.clocks) // frames]
    complete = source.clocks[len(source.clocks) // frames - 1]
    assert ends[0] == complete + 2 + NET.clocks
    if len(NET.program) > 1:
        assert [late - early for early, late in pairwise(ends)] == [NET.clocks] * (frames - 1)
