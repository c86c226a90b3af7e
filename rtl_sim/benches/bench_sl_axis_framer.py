"""sl_axis_framer: whatever arrives, whole frames come out, and the next frame is right."""

from __future__ import annotations

import random
from itertools import repeat
from typing import Any

from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSource

from shiftloom.rtl_sim.benches.streams import (
    SINK_PACES,
    Bench,
    Sink,
    bench_test,
    bursts,
    compare,
    paced_test,
    parameters,
)

Beat = tuple[int, bool]
"""A beat of the input: data and TLAST."""


class Watch:
    """Notes what the framer accepts, and counts the clocks of its pulses."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.accepted: list[Beat] = []
        self.starts = self.short = self.long = 0

    def drive(self) -> None:
        """Drive nothing."""

    def look(self, _clock: int) -> None:
        """Note an accepted beat and every pulse."""
        self.starts += int(self.dut.frame_start.value)
        self.short += int(self.dut.err_short.value)
        self.long += int(self.dut.err_long.value)
        if int(self.dut.s_axis_tvalid.value) and int(self.dut.s_axis_tready.value):
            beat = int(self.dut.s_axis_tdata.value), bool(int(self.dut.s_axis_tlast.value))
            self.accepted.append(beat)


class Feed:
    """An AXI4-Stream source, kept busy with frames of given lengths."""

    def __init__(self, dut: Any, idle: str, seed: int) -> None:
        self.rng = random.Random(seed)
        self.beats, self.width = parameters(dut, "BEATS", "WIDTH").values()
        bus = AxiStreamBus.from_prefix(dut, "s_axis")
        self.axis = AxiStreamSource(bus, dut.clk, byte_lanes=self.width // 8)
        self.axis.log.setLevel("WARNING")
        self.axis.set_pause_generator(bursts(seed) if idle == "bursty" else repeat(False))

    def send(self, length: int) -> None:
        """Queue a frame of random beats."""
        self.axis.send_nowait(AxiStreamFrame(self.rng.randbytes(length * self.width // 8)))

    def any_length(self) -> int:
        """A frame length, often the right one, often off by one."""
        near = self.rng.choice((0, 0, 0, -1, 1)) + self.beats
        return max(1, self.rng.choice((near, near, self.rng.randint(1, 3 * self.beats))))


def framed(accepted: list[Beat], beats: int, in_frame: bool) -> tuple[list[int], int, int]:
    """What the framer makes of `accepted` after a reset: its output, its short and long frames."""
    output: list[int] = []
    short = long = 0
    dropping = in_frame
    for data, last in accepted:
        if not dropping:
            output.append(data)
            whole = len(output) % beats == 0
            short += last and not whole
            long += whole and not last
            dropping = whole
            if last:
                output += [0] * (-len(output) % beats)
        dropping = dropping and not last
    return output, short, long


class Hold:
    """Holds at random, and sees that no frame begins then and that one under way goes on."""

    def __init__(self, dut: Any, watch: Watch, beats: int) -> None:
        self.dut, self.watch, self.beats = dut, watch, beats
        self.rng = random.Random(5)
        self.on = False
        self.held = 0

    def drive(self) -> None:
        """Change hold now and then."""
        if self.rng.random() < 0.1:
            self.on = not self.on
        self.dut.hold.value = self.on

    def look(self, _clock: int) -> None:
        """While hold is high nothing is taken between frames, and all there is room for in them."""
        if not self.on:
            return
        ready = int(self.dut.s_axis_tready.value)
        if len(self.watch.accepted) % self.beats == 0:
            self.held += int(self.dut.s_axis_tvalid.value)
            assert not ready, "a frame begins while held"
        else:
            has_room = not int(self.dut.m_tvalid.value) or int(self.dut.m_tready.value)
            assert ready == has_room, "a frame under way is held"


async def _run(
    dut: Any, feed: Feed, stall: str, clocks: int, in_frame: bool = False, holds: bool = False
) -> list[Beat]:
    """Reset, run for some clocks and on to an end of input if `clocks` is 0; check everything."""
    dut.hold.value = 0
    sink, watch = Sink(dut, stall, seed=clocks), Watch(dut)
    hold = Hold(dut, watch, feed.beats)
    bench = Bench(dut, (sink, hold, watch) if holds else (sink, watch))
    await bench.start()
    if clocks == 0:
        await bench.run(feed.axis.idle, 100_000)
        clocks = 30 * feed.beats + 60
    for _ in range(clocks):
        await bench.step()
    expected, short, long = framed(watch.accepted, feed.beats, in_frame)
    compare(sink.beats, expected[: len(sink.beats)])
    if feed.axis.idle():
        compare(sink.beats, expected)
        assert watch.starts == len(expected) // feed.beats
        assert (watch.short, watch.long) == (short, long)
    assert not holds or hold.held, "hold never kept a frame waiting"
    dut.rst.value = 1
    await bench.step()
    bench.stop()
    return watch.accepted


@paced_test
async def passes_right_frames(dut: Any, idle: str, stall: str) -> None:
    """Frames of BEATS beats pass unchanged and without an error."""
    feed = Feed(dut, idle, seed=1)
    for _ in range(20):
        feed.send(feed.beats)
    accepted = await _run(dut, feed, stall, clocks=0)
    assert len(accepted) == 20 * feed.beats
    assert framed(accepted, feed.beats, False) == ([data for data, _ in accepted], 0, 0)


@paced_test
async def begins_no_frame_while_held(dut: Any, idle: str, stall: str) -> None:
    """Hold at any time: a frame under way goes on to its end, the next one waits."""
    feed = Feed(dut, idle, seed=6)
    for _ in range(30):
        feed.send(feed.beats)
    assert len(await _run(dut, feed, stall, clocks=0, holds=True)) == 30 * feed.beats


@paced_test
async def repairs_wrong_frames(dut: Any, idle: str, stall: str) -> None:
    """Early and late TLAST, in any order."""
    feed = Feed(dut, idle, seed=2)
    for _ in range(60):
        feed.send(feed.any_length())
    await _run(dut, feed, stall, clocks=0)


@bench_test
async def tells_which_error(dut: Any) -> None:
    """One short frame pulses err_short only, one long frame err_long only."""
    for length in (-1, 1):
        feed = Feed(dut, "full", seed=3)
        for change in (0, length, 0):
            feed.send(max(1, feed.beats + change))
        await _run(dut, feed, "full", clocks=0)


@bench_test
async def resynchronises_after_reset(dut: Any) -> None:
    """Resets at any moment: the rest of the frame goes, the next is whole."""
    rng = random.Random(4)
    feed = Feed(dut, "bursty", seed=4)
    in_frame = False
    for _ in range(60):
        for _ in range(3):
            feed.send(feed.any_length())
        clocks = rng.randint(1, 3 * feed.beats + 5)
        accepted = await _run(dut, feed, rng.choice(SINK_PACES), clocks, in_frame)
        in_frame = not accepted[-1][1] if accepted else in_frame
    await _run(dut, feed, "full", 0, in_frame)
