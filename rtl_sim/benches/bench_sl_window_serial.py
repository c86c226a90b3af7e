"""sl_window_serial: every tap of every window in turn, its throughput, waiting and latency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import window_serial
from shiftloom.codegen.dataflows.streaming.timing.window_serial import WalkGeometry
from shiftloom.codegen.windows import Window
from shiftloom.rtl_sim.benches.streams import (
    Bench,
    IntArray,
    Sink,
    Source,
    bench_test,
    check_stream,
    draw,
    paced_test,
    pack,
    parameters,
)
from shiftloom.rtl_sim.benches.twin import Twin

LATENCY = 2


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
    DH: int
    DW: int
    PT: int
    PL: int
    OH: int
    OW: int
    SIMD: int
    GROUPS: int
    NF: int
    ROWS: int
    PAD_VALUE: int
    AWAIT: int

    @classmethod
    def of(cls, dut: Any) -> Shape:
        """Read the module's parameters."""
        return cls(**parameters(dut, *cls.__dataclass_fields__))

    @property
    def window(self) -> Window:
        """The kernel with its strides, padding and dilation."""
        pads = self.PT, self.PL
        return Window((self.KH, self.KW), (self.SH, self.SW), pads, dilation=(self.DH, self.DW))

    @property
    def walk(self) -> WalkGeometry:
        """The compiler's view of the walk over the taps."""
        shape, output = (self.H, self.W, self.C), (self.OH, self.OW)
        return WalkGeometry.of(shape, self.window, output, self.SIMD, self.GROUPS, self.NF)

    @property
    def capacity(self) -> int:
        """Words of the ring."""
        return self.walk.capacity(self.ROWS * self.W * self.C // self.SIMD)

    def twin(self, dut: Any) -> Twin:
        """The timing model of such a module."""
        shape = self.H, self.W, self.C
        awaits = bool(self.AWAIT)
        return Twin(dut, window_serial.model(shape, self.window, self.walk, self.capacity, awaits))

    def frames(self, count: int, seed: int) -> IntArray:
        """Random frames of shape (count, H, W, C)."""
        return draw(np.random.default_rng(seed), (count, self.H, self.W, self.C), self.BITS)

    def beats_in(self, frames: IntArray) -> list[int]:
        """The pixels in raster order."""
        return pack(frames, self.SIMD, self.BITS)

    def windows(self, padded: IntArray) -> IntArray:
        """All windows of maps with padding, in the order of the output."""
        cut = [
            padded[
                :,
                y * self.SH : y * self.SH + self.KH * self.DH : self.DH,
                x * self.SW : x * self.SW + self.KW * self.DW : self.DW,
            ]
            for y in range(self.OH)
            for x in range(self.OW)
        ]
        by_group = np.stack(cut, 1).reshape(*(len(padded), self.OH * self.OW), self.KH, self.KW, -1)
        groups = by_group.reshape(*by_group.shape[:4], self.GROUPS, 1, -1)
        return np.repeat(groups.transpose(0, 1, 4, 5, 2, 3, 6), self.NF, axis=3)

    def pad(self, values: IntArray, value: int) -> IntArray:
        """Maps inside enough padding."""
        rows = self.H + self.OH * self.SH + self.KH * self.DH
        columns = self.W + self.OW * self.SW + self.KW * self.DW
        padded = np.full((len(values), rows, columns, values.shape[3]), value)
        padded[:, self.PT : self.PT + self.H, self.PL : self.PL + self.W] = values
        return padded

    def beats_out(self, frames: IntArray, arrived: int) -> list[int]:
        """Every window of every frame, group by group, NF times, up to the first missing tap.

        `arrived` input beats are there; of the frame after the last there is only padding.
        """
        more = np.concatenate([frames, np.zeros_like(frames[:1])])
        taps = pack(self.windows(self.pad(more, self.PAD_VALUE)), self.SIMD, self.BITS)
        return taps[: int((self.needs(len(more)) <= arrived).sum())]

    def needs(self, frames: int) -> IntArray:
        """For each output beat: how many input beats it and those before it need."""
        beats = self.H * self.W * self.C // self.SIMD * frames
        numbers = np.arange(1, beats + 1).reshape(frames, self.H, self.W, -1)
        taps = self.windows(self.pad(np.repeat(numbers, self.SIMD, axis=3), 0))
        if self.AWAIT:
            begun = 1 + np.arange(frames) * (beats // frames)
            taps = np.maximum(taps, begun.reshape(-1, *(1,) * (taps.ndim - 1)))
        needed: IntArray = np.maximum.accumulate(taps.reshape(-1, self.SIMD)[:, 0])
        return needed

    @property
    def interval(self) -> int:
        """Clocks a frame at full pace: those of the input or of the output."""
        pixel = self.C // self.SIMD
        taps = self.OH * self.OW * self.NF * self.KH * self.KW
        return max(self.H * self.W, taps) * pixel

    @property
    def suffices(self) -> bool:
        """Whether the ring holds what the next row, or frame, needs at a row's last output."""
        return self.capacity >= self.walk.needed + max(self.walk.window_moves)


@paced_test
async def gives_every_tap(dut: Any, idle: str, stall: str) -> None:
    """Three frames back to back, with every pace on both sides, in the clocks foretold."""
    shape = Shape.of(dut)
    frames = shape.frames(3, seed=1)
    beats = shape.beats_in(frames)
    expected = shape.beats_out(frames, len(beats))
    await check_stream(dut, beats, expected, idle, stall, agents=[shape.twin(dut)])


@bench_test
async def keeps_the_frame_interval(dut: Any) -> None:
    """At full pace, with a ring of enough rows, frames follow each other without a bubble."""
    shape = Shape.of(dut)
    frames = shape.frames(6, seed=2)
    beats = shape.beats_in(frames)
    expected = shape.beats_out(frames, len(beats))
    _, sink = await check_stream(dut, beats, expected)
    frame = len(shape.needs(1))
    intervals = [int(step) for step in np.diff(sink.clocks[frame - 1 :: frame])[2:]]
    if shape.suffices:
        assert intervals == [shape.interval] * 3
    else:
        assert min(intervals) >= shape.interval


@bench_test
async def waits_for_its_taps_only(dut: Any) -> None:
    """Whatever part of a frame arrives, exactly the beats it completes are given."""
    shape = Shape.of(dut)
    frames = shape.frames(2, seed=3)
    beats = shape.beats_in(frames)
    rng = np.random.default_rng(4)
    for count in (len(beats), 0, *(int(cut) for cut in rng.integers(1, len(beats), 12))):
        await check_stream(dut, beats[:count], shape.beats_out(frames, count))


@bench_test
async def answers_in_fixed_time(dut: Any) -> None:
    """Two clocks from an awaited tap to its beat."""
    shape = Shape.of(dut)
    frames = shape.frames(1, seed=5)
    needs = shape.needs(1)
    first = int((needs == 0).sum())  # padding
    beats = shape.beats_in(frames)[: needs[first]]
    source, sink = await check_stream(dut, beats, shape.beats_out(frames, len(beats)))
    if first < source.clocks[-1]:
        assert sink.clocks[first] - source.clocks[-1] == LATENCY


@bench_test
async def starts_afresh_after_reset(dut: Any) -> None:
    """A reset in mid-frame leaves nothing behind."""
    shape = Shape.of(dut)
    frames = shape.frames(2, seed=6)
    beats = shape.beats_in(frames)
    expected = shape.beats_out(frames, len(beats))
    for cut in (1, len(beats) // 3, len(beats) // 2 + 1):
        bench = Bench(dut, (Source(dut, beats), Sink(dut)))
        await bench.start()
        for _ in range(cut):
            await bench.step()
        bench.stop()
        await check_stream(dut, beats, expected)
