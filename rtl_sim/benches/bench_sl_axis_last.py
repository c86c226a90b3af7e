"""sl_axis_last: TLAST on the last beat of each frame, and a pulse for each."""

from __future__ import annotations

from typing import Any

import numpy as np
from cocotbext.axi import AxiStreamBus, AxiStreamMonitor

from shiftloom.rtl_sim.benches.streams import (
    Bench,
    Sink,
    Source,
    draw,
    paced_test,
    pack,
    parameters,
)


class Pulses:
    """Counts the clocks in which a pin is high."""

    def __init__(self, pin: Any) -> None:
        self.pin = pin
        self.count = 0

    def drive(self) -> None:
        """Drive nothing."""

    def look(self, _clock: int) -> None:
        """Count."""
        self.count += int(self.pin.value)


@paced_test
async def marks_every_frame(dut: Any, idle: str, stall: str) -> None:
    """Eight whole frames and the beginning of a ninth."""
    beats, width = parameters(dut, "BEATS", "WIDTH").values()
    values = draw(np.random.default_rng(1), (9 * beats - 1, 1), width)
    monitor = AxiStreamMonitor(
        AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, byte_lanes=width // 8
    )
    monitor.log.setLevel("WARNING")
    source = Source(dut, pack(values, 1, width), idle)
    sink = Sink(dut, stall, prefix="m_axis")
    done = Pulses(dut.frame_done)
    bench = Bench(dut, (source, sink, done))
    await bench.start()
    await bench.run(lambda: len(sink.beats) == len(values), 40 * len(values))
    for _ in range(5):
        await bench.step()
    bench.stop()
    assert sink.beats == source.beats
    assert sink.clocks == source.clocks
    assert done.count == 8
    assert monitor.count() == 8
    for frame in range(8):
        data = bytes(monitor.recv_nowait())
        part = values[frame * beats : (frame + 1) * beats, 0]
        assert data == b"".join(int(value).to_bytes(width // 8, "little") for value in part)
