"""sl_uart_rx: bytes at the rate and beside it, noise, lost stop bits, breaks."""

from __future__ import annotations

from typing import Any

from shiftloom.rtl_sim.benches.serial import Line
from shiftloom.rtl_sim.benches.streams import Bench, bench_test, parameters, varied_test

ALL = bytes(range(256))


class Received:
    """Notes the bytes of the port `data`, and the clocks they came in."""

    def __init__(self, dut: Any) -> None:
        self.dut, self.data, self.clocks = dut, bytearray(), list[int]()

    def drive(self) -> None:
        """Drives nothing."""

    def look(self, clock: int) -> None:
        """Note a byte."""
        if int(self.dut.valid.value):
            self.data.append(int(self.dut.data.value))
            self.clocks.append(clock)


class Input(Line):
    """A line without a way back."""

    def look(self, clock: int) -> None:
        """Looks at nothing."""


async def _start(dut: Any) -> tuple[Bench, Input, Received, int]:
    clocks = parameters(dut, "CLOCKS")["CLOCKS"]
    line, received = Input(dut, clocks), Received(dut)
    bench = Bench(dut, (line, received))
    await bench.start()
    return bench, line, received, clocks


async def _finish(bench: Bench, line: Input, clocks: int) -> None:
    """Until all is sent, and longer than a byte."""
    await bench.run(lambda: line.sent, 400_000)
    for _ in range(12 * clocks):
        await bench.step()
    bench.stop()


@bench_test
async def takes_every_byte(dut: Any) -> None:
    """All bytes, without a gap, each in the middle of its stop bit."""
    bench, line, received, clocks = await _start(dut)
    line.send(ALL)
    await _finish(bench, line, clocks)
    assert bytes(received.data) == ALL
    first = clocks // 2 + 9 * clocks + 3
    assert received.clocks == [first + 10 * clocks * i for i in range(256)]


@varied_test(change=(-1, 1))
async def takes_other_rates(dut: Any, change: int) -> None:
    """A sender that is 4 % too fast or too slow is understood, at 25 clocks a bit or more."""
    bench, line, received, clocks = await _start(dut)
    if clocks >= 25:
        line.send(ALL, clocks=clocks + change * (clocks // 25))
        await _finish(bench, line, clocks)
        assert bytes(received.data) == ALL


@bench_test
async def ignores_noise(dut: Any) -> None:
    """A low shorter than half a bit begins no byte, and the byte behind it is right."""
    bench, line, received, clocks = await _start(dut)
    for byte in (0x00, 0xA5):
        line.hold(0, max(1, clocks // 2 - 2))
        line.hold(1, clocks)
        line.send(bytes([byte]))
    await _finish(bench, line, clocks)
    assert bytes(received.data) == b"\x00\xa5"


@bench_test
async def drops_a_byte_without_its_stop_bit(dut: Any) -> None:
    """The byte is dropped, the one after it is right."""
    bench, line, received, clocks = await _start(dut)
    line.send(b"\x12", gap=2 * clocks, stop=0)
    line.send(b"\x34")
    await _finish(bench, line, clocks)
    assert bytes(received.data) == b"\x34"


@bench_test
async def gives_nothing_for_a_break(dut: Any) -> None:
    """A line that is low for long gives no byte; afterwards all is right."""
    bench, line, received, clocks = await _start(dut)
    line.hold(0, 35 * clocks)
    line.hold(1, clocks)
    line.send(b"\x56")
    await _finish(bench, line, clocks)
    assert bytes(received.data) == b"\x56"
