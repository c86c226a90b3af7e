"""The batch engine: exact bytes under any stall, exact cycles, and every rule it watches over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from small_top import Mutant

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import compile as compiling
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import (
    Probe,
    SimTop,
    SimulationError,
    Stall,
    Timing,
    interval,
    measure,
    run,
    trace,
)

LATENCY = 14  # three registered stages, and eleven more beats behind a frame's first
BEATS = 12


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_every_frame_comes_out_right(
    top: SimTop, frames: NDArray[np.uint8], cache: Cache, jobs: int
) -> None:
    result = run(top, frames, cache=cache, jobs=jobs)
    assert result.outputs.shape == (100, 12, 2)
    assert np.array_equal(result.outputs.reshape(frames.shape), frames + np.uint8(2))
    assert len(result.starts) == jobs


@pytest.mark.parametrize("idle", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("backpressure", [0.0, 0.3, 0.9])
def test_stalls_change_cycles_but_no_byte(
    top: SimTop, frames: NDArray[np.uint8], cache: Cache, idle: float, backpressure: float
) -> None:
    stall = Stall(7, idle, backpressure)
    result = run(top, frames, cache=cache, jobs=1, stall=stall)
    again = run(top, frames, cache=cache, jobs=1, stall=stall)
    assert np.array_equal(result.outputs.reshape(frames.shape), frames + np.uint8(2))
    assert np.array_equal(result.last_out, again.last_out)
    slowest = 1 / (1 - max(idle, backpressure))
    assert result.last_out[-1] > 0.9 * slowest * BEATS * len(frames)


@pytest.mark.parametrize("elements", [1, 3, 8, 64])
def test_stream_widths(mutant: Mutant, cache: Cache, elements: int) -> None:
    width = 8 * elements
    top = mutant("ELEMS = 2", f"ELEMS = {elements}", in_width=width, out_width=width)
    frames = np.random.default_rng(elements).integers(0, 256, (9, 12 * elements), dtype=np.uint8)
    result = run(top, frames, cache=cache)
    assert np.array_equal(result.outputs.reshape(frames.shape), frames + np.uint8(2))
    traced = trace(replace(top, probes=(Probe("queue", width),)), frames[0], cache=cache)
    assert np.array_equal(traced["queue"].data.reshape(-1), frames[0] + np.uint8(1))


def test_back_to_back_and_single_stream_cycles(
    top: SimTop, frames: NDArray[np.uint8], cache: Cache
) -> None:
    packed = run(top, frames, cache=cache, jobs=1)
    assert np.array_equal(packed.first_in, np.arange(100) * BEATS)
    assert np.array_equal(packed.last_out, packed.first_in + LATENCY)
    alone = run(top, frames, cache=cache, jobs=1, single_stream=True)
    assert np.array_equal(alone.first_in, np.arange(100) * (LATENCY + 1))
    assert np.array_equal(alone.last_out, alone.first_in + LATENCY)
    assert measure(top, frames, cache=cache) == Timing(latency=LATENCY, interval=BEATS)


def test_a_unit_at_half_rate_doubles_the_interval(
    mutant: Mutant, frames: NDArray[np.uint8], cache: Cache
) -> None:
    top = mutant("(write_q - read_q) != 3'd4", "write_q == read_q")
    assert interval(run(top, frames, cache=cache, jobs=1)) == 2 * BEATS


def test_interval_needs_frames_in_a_row(
    top: SimTop, frames: NDArray[np.uint8], cache: Cache
) -> None:
    result = run(top, frames[:4], cache=cache, jobs=2)
    with pytest.raises(ShiftloomError, match="2 frames in a row; run 3 or more with jobs=1"):
        interval(result)


def test_progress_ends_at_the_total(top: SimTop, frames: NDArray[np.uint8], cache: Cache) -> None:
    seen: list[tuple[int, int]] = []
    run(top, frames, cache=cache, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (100, 100)
    assert seen == sorted(seen)


def test_a_second_run_compiles_nothing(
    top: SimTop, frames: NDArray[np.uint8], cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(top, frames, cache=cache)

    def refuse(*_: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(compiling._Compiler, "_call", refuse)
    run(top, frames, cache=cache)


def test_an_interrupted_compile_is_done_again(
    top: SimTop, frames: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    fresh = Cache(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(compiling._Compiler, "link", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(top, frames, cache=fresh)
    assert run(top, frames, cache=fresh).outputs.shape == (100, 12, 2)


LOST_BEAT = (
    "if (s_tvalid && s_tready) write_q",
    "if (s_tvalid && s_tready && s_tdata != 0) write_q",
)


def test_a_lost_beat_is_a_deadlock(mutant: Mutant, cache: Cache) -> None:
    frames = np.full((3, 24), 9, dtype=np.uint8)
    frames[2, 22:] = 255  # 0 after the first stage
    message = (
        "^plus_two: deadlock: no handshake for 200 clocks, at frame 2, output beat 11, cycle "
        r"\d+, after 36 input beats; `trace` shows how far each internal stream came$"
    )
    with pytest.raises(SimulationError, match=message):
        run(mutant(*LOST_BEAT), frames, cache=cache, jobs=1, max_idle=200)
    with pytest.raises(SimulationError, match=r"deadlock: .* at frame 2, output beat 11"):
        run(mutant(*LOST_BEAT), frames, cache=cache, jobs=3, max_idle=200)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("if (s_tready) m_tdata", "if (1'b1) m_tdata", "m_axis changed while tvalid waited"),
        (
            "m_axis_tlast  = beat_q == COUNT_W'(BEATS - 1)",
            "m_axis_tlast  = beat_q == COUNT_W'(BEATS - 2)",
            "m_axis_tlast is 1, at frame 0, output beat 10",
        ),
        ("write_q <= '0", "write_q <= 3'd1", "m_axis gives a beat that no frame has asked for"),
        (
            "assign rst = !aresetn;",
            'assign rst = !aresetn; always_ff @(posedge aclk) if (beat_q == 7) $fatal(1, "seven");',
            "the simulation crashed",
        ),
    ],
    ids=["unstable", "last", "surplus", "crash"],
)
def test_broken_rules_are_named(
    mutant: Mutant, frames: NDArray[np.uint8], cache: Cache, old: str, new: str, message: str
) -> None:
    with pytest.raises(ShiftloomError, match=message):
        run(mutant(old, new), frames, cache=cache, stall=Stall(1, 0.2, 0.5))


def test_a_source_that_does_not_compile(
    mutant: Mutant, frames: NDArray[np.uint8], cache: Cache
) -> None:
    with pytest.raises(ShiftloomError, match=r"plus_two: does not compile: .*mutant\.sv"):
        run(mutant("assign rst = !aresetn;", "assign rst = ;"), frames, cache=cache)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"in_width": 12}, r"s_axis_tdata is 12 bits wide; use a multiple of 8 from 8 to 512"),
        ({"out_width": 520}, r"m_axis_tdata is 520 bits wide"),
        ({"in_beats": 0}, r"0 input beats a frame; use 1 or more"),
        ({"name": "a; b"}, r"'a; b' is no plain identifier of Verilog"),
    ],
)
def test_tops_that_cannot_be_driven(top: SimTop, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ShiftloomError, match=message):
        replace(top, **fields)


def test_frames_of_the_wrong_shape(top: SimTop, cache: Cache) -> None:
    message = r"frames are uint8 \[2, 23\]; give uint8 \[1 or more, 24\]"
    with pytest.raises(ShiftloomError, match=message):
        run(top, np.zeros((2, 23), np.uint8), cache=cache)
    with pytest.raises(ShiftloomError, match=r"frames are uint8 \[0, 24\]"):
        run(top, np.zeros((0, 24), np.uint8), cache=cache)


def test_a_stall_for_ever_is_refused() -> None:
    with pytest.raises(ShiftloomError, match=r"stall: idle = 1\.0; use 0 or more, below 1"):
        Stall(1, idle=1.0)


def test_a_trace_needs_probes(top: SimTop, frames: NDArray[np.uint8], cache: Cache) -> None:
    with pytest.raises(ShiftloomError, match="nothing to trace; name the streams in `probes`"):
        trace(replace(top, probes=()), frames[0], cache=cache)
