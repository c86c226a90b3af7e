"""sl_uart_tx: every byte bit by bit, without a gap and with pauses."""

from __future__ import annotations

import random
from typing import Any

from shiftloom.rtl_sim.benches.serial import Line
from shiftloom.rtl_sim.benches.streams import SOURCE_PACES, Bench, Source, parameters, varied_test


class Output(Line):
    """A line without a way there."""

    def __init__(self, dut: Any, clocks: int) -> None:
        self.dut, self.clocks = dut, clocks
        self.heard, self.heard_at = [], []
        self._seen = None

    def drive(self) -> None:
        """Drives nothing."""


@varied_test(idle=SOURCE_PACES)
async def sends_every_byte(dut: Any, idle: str) -> None:
    """All bytes, the first bit 1 clock after acceptance; without a gap where they come so."""
    clocks = parameters(dut, "CLOCKS")["CLOCKS"]
    data = list(range(256))
    random.Random(1).shuffle(data)
    source, line = Source(dut, data, idle), Output(dut, clocks)
    bench = Bench(dut, (source, line))
    await bench.start()
    assert int(dut.txd.value) == 1
    await bench.run(lambda: len(line.heard) == len(data), 400_000)
    for _ in range(12 * clocks):
        await bench.step()
    bench.stop()
    assert line.heard == data
    assert [at - 1 for at in line.heard_at] == source.clocks
    if idle == "full":
        assert line.heard_at[-1] - line.heard_at[0] == 255 * 10 * clocks
