"""sl_taps: exact sums of all taps under any pace, its frame interval, idle pixels and latency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import taps
from shiftloom.codegen.dataflows.streaming.timing.taps import TapsGeometry
from shiftloom.codegen.windows import Window
from shiftloom.rtl_sim.benches.streams import (
    Bench,
    IntArray,
    Rom,
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

FRAMES = 3


@dataclass(frozen=True)
class Shape:
    """The module's parameters, and what follows from them."""

    H: int
    W: int
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
    FOLDS: int
    LANES: int
    BITS: int
    ACC_BITS: int

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
    def walk(self) -> TapsGeometry:
        """The compiler's view of the walk over the pixels."""
        return TapsGeometry.of((self.H, self.W, 1), self.window, (self.OH, self.OW))

    @property
    def beats(self) -> int:
        """Input beats of a frame."""
        return self.H * self.W * self.FOLDS

    @property
    def outputs(self) -> int:
        """Output beats of a frame."""
        return self.OH * self.OW * self.FOLDS

    def agents(self, dut: Any, bias: IntArray) -> tuple[Rom, Twin]:
        """The memory, and the timing model of such a module."""
        shape, output = (self.H, self.W, 1), (self.OH, self.OW)
        return (
            Rom(dut.b_en, dut.b_addr, dut.b_data, pack(bias, self.LANES, self.ACC_BITS)),
            Twin(dut, taps.model(shape, self.window, output, self.FOLDS)),
        )

    def layer(self, frames: int, seed: int) -> tuple[IntArray, IntArray]:
        """Tap sums (frames, H, W, FOLDS, KH, KW, LANES) and a bias (FOLDS, LANES)."""
        rng = np.random.default_rng(seed)
        size = (frames, self.H, self.W, self.FOLDS, self.KH, self.KW, self.LANES)
        sums = draw(rng, size, self.BITS, signed=True)
        return sums, draw(rng, (self.FOLDS, self.LANES), self.ACC_BITS, signed=True)

    def beats_in(self, sums: IntArray) -> list[int]:
        """A beat for every fold of every pixel."""
        return pack(sums, self.KH * self.KW * self.LANES, self.BITS)

    def beats_out(self, sums: IntArray, bias: IntArray) -> list[int]:
        """All outputs, each tap's sum taken where the tap lies."""
        rows = self.H + self.OH * self.SH + self.KH * self.DH
        columns = self.W + self.OW * self.SW + self.KW * self.DW
        padded = np.zeros((len(sums), rows, columns, *sums.shape[3:]), np.int64)
        padded[:, self.PT : self.PT + self.H, self.PL : self.PL + self.W] = sums
        total = np.zeros((len(sums), self.OH, self.OW, self.FOLDS, self.LANES), np.int64) + bias
        for kh in range(self.KH):
            for kw in range(self.KW):
                y, x = kh * self.DH, kw * self.DW
                cut = padded[:, y : y + self.OH * self.SH, x : x + self.OW * self.SW]
                total += cut[:, :: self.SH, :: self.SW, :, kh, kw]
        return pack(total, self.LANES, self.ACC_BITS)


@paced_test
async def gives_every_output(dut: Any, idle: str, stall: str) -> None:
    """Frames back to back, with every pace on both sides, in the clocks foretold."""
    shape = Shape.of(dut)
    sums, bias = shape.layer(FRAMES, seed=1)
    beats, expected = shape.beats_in(sums), shape.beats_out(sums, bias)
    await check_stream(dut, beats, expected, idle, stall, agents=shape.agents(dut, bias))


@bench_test
async def keeps_the_frame_interval(dut: Any) -> None:
    """Frames back to back take the walk's steps, one a clock."""
    shape = Shape.of(dut)
    sums, bias = shape.layer(5, seed=2)
    beats, expected = shape.beats_in(sums), shape.beats_out(sums, bias)
    _, sink = await check_stream(dut, beats, expected, agents=shape.agents(dut, bias))
    starts = np.diff(sink.clocks[:: shape.outputs])
    assert starts.tolist() == [shape.walk.pixels * shape.FOLDS] * 4


@bench_test
async def ends_a_frame_by_itself(dut: Any) -> None:
    """Every frame leaves in whole before the next one comes, after a pause of any length."""
    shape = Shape.of(dut)
    sums, bias = shape.layer(8, seed=3)
    beats, expected = shape.beats_in(sums), shape.beats_out(sums, bias)
    source, sink = Source(dut, []), Sink(dut)
    bench = Bench(dut, (*shape.agents(dut, bias), source, sink))
    await bench.start()
    limit = 100 + 8 * shape.walk.pixels * shape.FOLDS
    for frame, pause in enumerate((0, 1, 2, 3, 5, 9, 30, 0), 1):
        source.beats = beats[: frame * shape.beats]
        await bench.run(lambda: len(source.clocks) == len(source.beats), limit)
        for _ in range(pause):
            await bench.step()
        if pause == 30:
            await bench.run(lambda n=frame: len(sink.beats) == n * shape.outputs, limit)  # type: ignore[misc]
    await bench.run(lambda: len(sink.beats) == len(expected), limit)
    bench.stop()
    compare(sink.beats, expected)


@bench_test
async def starts_afresh_after_reset(dut: Any) -> None:
    """A reset in mid-frame leaves nothing behind."""
    shape = Shape.of(dut)
    sums, bias = shape.layer(2, seed=4)
    beats, expected = shape.beats_in(sums), shape.beats_out(sums, bias)
    for cut in (1, len(beats) // 3, len(beats) // 2 + 1, len(beats)):
        bench = Bench(dut, (*shape.agents(dut, bias), Source(dut, beats), Sink(dut)))
        await bench.start()
        for _ in range(cut):
            await bench.step()
        bench.stop()
        await check_stream(dut, beats, expected, agents=shape.agents(dut, bias))
