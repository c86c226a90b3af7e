"""sl_window: every tap of every window, its throughput, and that it never waits for more data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import window
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.windows import Window
from shiftloom.rtl_sim.benches.streams import (
    Bench,
    IntArray,
    Sink,
    Source,
    bench_test,
    check_stream,
    compare,
    draw,
    paced_test,
    pack,
    parameters,
)
from shiftloom.rtl_sim.benches.twin import Twin


@dataclass(frozen=True)
class Shape:
    """The module's parameters, and what follows from them."""

    H: int
    W: int
    C: int
    BITS: int
    KH: int
    KW: int
    SH: int
    SW: int
    PT: int
    PL: int
    OH: int
    OW: int
    SIMD: int
    NF: int
    ROWS: int
    PAD_VALUE: int
    DIGITS: int

    @classmethod
    def of(cls, dut: Any) -> Shape:
        """Read the module's parameters."""
        return cls(**parameters(dut, *cls.__dataclass_fields__))

    @property
    def passes(self) -> int:
        """Output beats a window, of one digit where there are several."""
        return self.KH * self.KW * self.C // self.SIMD * self.NF

    @property
    def prefetches(self) -> bool:
        """Whether the spare row banks hold what the first output row of the next frame needs."""
        return self.ROWS >= self.KH + self.H - (self.OH - 1) * self.SH

    @property
    def window(self) -> Window:
        """The geometry as the compiler has it."""
        return Window((self.KH, self.KW), (self.SH, self.SW), (self.PT, self.PL))

    @property
    def timing(self) -> Model:
        """The compiler's model of the handshakes of such a module."""
        shape, output = (self.H, self.W, self.C), (self.OH, self.OW)
        beats = (self.passes // self.NF, self.passes)
        return window.model(shape, self.window, output, self.ROWS, beats, self.DIGITS)

    @property
    def interval(self) -> int:
        """Clocks a frame at full pace: input, column scan or output, whichever takes longest."""
        shape, output = (self.H, self.W, self.C), (self.OH, self.OW)
        slots = window.ScanGeometry.of(shape, self.window, output, self.DIGITS).slots
        row = max(slots, self.OW * self.DIGITS * self.passes)
        return max(self.H * self.W * self.DIGITS, self.OH * row)

    def frames(self, count: int, seed: int) -> IntArray:
        """Random frames of shape (count, H, W, DIGITS, C)."""
        shape = (count, self.H, self.W, self.DIGITS, self.C)
        return draw(np.random.default_rng(seed), shape, self.BITS)

    def beats_in(self, frames: IntArray) -> list[int]:
        """One pixel a beat, or one digit of it."""
        return pack(frames, self.C, self.BITS)

    def beats_out(self, frames: IntArray) -> list[int]:
        """Every window of every frame, NF times, SIMD elements a beat."""
        rows, columns = self.H + self.OH * self.SH + self.KH, self.W + self.OW * self.SW + self.KW
        padded = np.full((len(frames), rows, columns, self.DIGITS, self.C), self.PAD_VALUE)
        padded[:, self.PT : self.PT + self.H, self.PL : self.PL + self.W] = frames
        windows = [
            padded[n, y * self.SH :, x * self.SW :, digit][: self.KH, : self.KW]
            for n in range(len(frames))
            for y in range(self.OH)
            for x in range(self.OW)
            for digit in range(self.DIGITS)
            for _ in range(self.NF)
        ]
        return pack(np.array(windows), self.SIMD, self.BITS)

    def needs(self) -> list[int]:
        """For each window of a frame: how many beats it and those before it need."""
        counts = [
            min(self.H - 1, y * self.SH - self.PT + self.KH - 1) * self.W * self.DIGITS
            + min(
                self.W * self.DIGITS,
                (x * self.SW - self.PL + self.KW - 1) * self.DIGITS + digit + 1,
            )
            for y in range(self.OH)
            for x in range(self.OW)
            for digit in range(self.DIGITS)
        ]
        return [int(count) for count in np.maximum.accumulate(counts)]


@paced_test
async def gives_every_window(dut: Any, idle: str, stall: str) -> None:
    """Four frames back to back, with every pace on both sides, in the clocks foretold."""
    shape = Shape.of(dut)
    frames = shape.frames(4, seed=1)
    beats, expected = shape.beats_in(frames), shape.beats_out(frames)
    await check_stream(dut, beats, expected, idle, stall, agents=[Twin(dut, shape.timing)])


@bench_test
async def keeps_the_frame_interval(dut: Any) -> None:
    """At full pace, and with row banks to prefetch, frames follow each other without a bubble."""
    shape = Shape.of(dut)
    frames = shape.frames(6, seed=2)
    expected = shape.beats_out(frames)
    _, sink = await check_stream(dut, shape.beats_in(frames), expected)
    last = len(expected) // len(frames) - 1
    intervals = [int(step) for step in np.diff(sink.clocks[last :: last + 1])[2:]]
    if shape.prefetches:
        assert intervals == [shape.interval] * 3
    else:
        assert min(intervals) >= shape.interval


@bench_test
async def waits_for_its_newest_pixel_only(dut: Any) -> None:
    """Whatever part of a frame arrives, exactly the outputs it completes are given."""
    shape = Shape.of(dut)
    frames = shape.frames(2, seed=3)
    beats, expected = shape.beats_in(frames), shape.beats_out(frames)
    pixels = shape.H * shape.W * shape.DIGITS
    needs = shape.needs()
    rng = np.random.default_rng(4)
    for count in (pixels, pixels + 1, *(int(cut) for cut in rng.integers(1, 2 * pixels, 12))):
        whole, part = divmod(count, pixels)
        complete = whole * len(needs) + sum(need <= part for need in needs)
        await check_stream(dut, beats[:count], expected[: complete * shape.passes])


@bench_test
async def answers_in_fixed_time(dut: Any) -> None:
    """4 clocks (5 with slices) from the newest beat of an awaited window to its first beat.

    One more for each column outside the frame that a row must still scan to complete output 0.
    """
    shape = Shape.of(dut)
    frames = shape.frames(1, seed=5)
    outside = max(0, (shape.KW - 1 - shape.PL - shape.W) * shape.DIGITS + 1)
    latency = (4 if shape.passes == shape.NF else 5) + outside
    needs = shape.needs()
    complete = needs.count(needs[0]) * shape.passes
    source, sink = await check_stream(
        dut, shape.beats_in(frames)[: needs[0]], shape.beats_out(frames)[:complete]
    )
    assert sink.clocks[0] - source.clocks[-1] == latency


@bench_test
async def starts_afresh_after_reset(dut: Any) -> None:
    """A reset in mid-frame leaves nothing behind."""
    shape = Shape.of(dut)
    frames = shape.frames(2, seed=6)
    beats, expected = shape.beats_in(frames), shape.beats_out(frames)
    for cut in (1, len(beats) // 3, len(beats) // 2 + 1):
        bench = Bench(dut, (Source(dut, beats), Sink(dut)))
        await bench.start()
        for _ in range(cut):
            await bench.step()
        bench.stop()
        _, sink = await check_stream(dut, beats, expected)
        compare(sink.beats, expected)
