"""Whole test sets through the generated HLS C++ and RTL, every output integer compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import golden
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import IntArray
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim import engine, locate
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import Stall
from shiftloom.rtl_sim.hls_engine import HlsEngine

Frames = npt.NDArray[np.uint8]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Simulation:
    """One backend over `images` frames; clocks are 0 for HLS C++, which has none.

    `mismatches` counts output integers unlike the golden model's; `first` describes the first of
    them by layer, coordinate and cycle. `latency` counts clocks from the first input beat to the
    last output beat of a lone frame, both included.
    """

    backend: str
    images: int
    mismatches: int
    accuracy: float | None
    interval: float = 0
    latency: int = 0
    first: str = ""


def simulate_hls(
    opened: OpenedBuild,
    frames: Frames,
    labels: npt.NDArray[np.uint8] | None,
    cache: Cache,
    progress: Progress | None = None,
) -> Simulation:
    """Compile the HLS C++ with g++ and run every frame through it."""
    source, sink = opened.design.source, opened.design.sink
    hls = HlsEngine(
        opened.design.name,
        opened.folder / "hls",
        source.width,
        source.beats,
        sink.width,
        sink.beats,
        cache,
    )
    raw = hls.run_bytes(_beats(opened, frames), progress)
    got = _logits(raw.reshape(len(frames), sink.beats, -1))
    wrong = got != golden.run(opened.qgraph, frames)
    return Simulation("hls", len(frames), int(wrong.sum()), _accuracy(got, labels))


def simulate_rtl(
    opened: OpenedBuild,
    frames: Frames,
    labels: npt.NDArray[np.uint8] | None,
    cache: Cache,
    progress: Progress | None = None,
    stall: Stall | None = None,
    first_image: int = 0,
) -> Simulation:
    """Compile the RTL with Verilator and stream every frame through it, back to back.

    The first mismatch is traced to its layer, and a reproducer is written to the results folder;
    `first_image` is the number of frames[0] in its test set. Under stalls no interval is measured.
    """
    top = opened.sim_top()
    beats = _beats(opened, frames)
    result = engine.run(top, beats, cache=cache, progress=progress, stall=stall)
    got = _logits(result.outputs)
    wrong = got != golden.run(opened.qgraph, frames)
    first = ""
    if wrong.any():
        index = int(np.flatnonzero(wrong.any(axis=1))[0])
        first = _explain(opened, frames, beats, index, first_image + index, cache)
    timing = (0.0, 0) if stall else _timing(top, beats, result, cache)
    mismatches = int(wrong.sum())
    return Simulation("rtl", len(frames), mismatches, _accuracy(got, labels), *timing, first)


def _timing(
    top: engine.SimTop, beats: Frames, result: engine.RunResult, cache: Cache
) -> tuple[float, int]:
    alone = engine.run(top, beats[:1], cache=cache, jobs=1)
    latency = engine.latency(alone) + 1
    few = result.starts[1] if len(result.starts) > 1 else len(result.last_out)
    return (engine.interval(result) if few >= 3 else 0.0), latency


def _explain(
    opened: OpenedBuild, frames: Frames, beats: Frames, index: int, image: int, cache: Cache
) -> str:
    """Trace the first wrong frame alone, name its first wrong number, and keep a reproducer."""
    top = opened.sim_top()
    streams = tuple(
        locate.Stream(s.name, s.tensor, s.shape, s.elements, s.bits, s.signed)
        for s in opened.probed()
    )
    tensors = golden.trace(opened.qgraph, frames[index : index + 1])
    expected = {s.probe: tensors[s.node][0].reshape(s.shape) for s in streams}
    traces = engine.trace(top, beats[index], cache=cache)
    mismatch = locate.first_mismatch(traces, streams, expected)
    if mismatch is None:
        return f"image {image}: wrong in the stream of frames, right alone"
    folder = opened.results / "mismatch"
    locate.write_reproducer(
        folder,
        mismatch,
        frames[index : index + 1],
        expected[mismatch.probe],
        locate.unpack(
            traces[mismatch.probe].data,
            *next((s.elements, s.bits, s.signed) for s in streams if s.probe == mismatch.probe),
        ),
        f"shiftloom simulate {opened.folder} --backend rtl --first {image} --images 1",
    )
    return f"image {image}, {mismatch}"


def _beats(opened: OpenedBuild, frames: Frames) -> Frames:
    """Raw frames [N, H, W, C] as the input's bytes [N, bytes]."""
    expected = opened.qgraph.input.shape
    if frames.ndim != 4 or frames.shape[1:] != expected:
        raise ShiftloomError("frames", f"shape {frames.shape}", f"give [N, {expected}] integers")
    if len(frames) == 0:
        raise ShiftloomError("frames", "none were given", "give at least one")
    return np.ascontiguousarray(frames.reshape(len(frames), -1))


def _logits(raw: npt.NDArray[np.uint8]) -> IntArray:
    """Output bytes [N, beats, 4] as integers [N, beats]."""
    return np.ascontiguousarray(raw).view("<i4")[..., 0].astype(np.int64)


def _accuracy(logits: IntArray, labels: npt.NDArray[np.uint8] | None) -> float | None:
    return None if labels is None else float((logits.argmax(axis=1) == labels).mean())


def default_cache(folder: Path | None = None) -> Cache:
    """The cache of compiled simulations and synthesis runs, `.cache` in the working folder."""
    return Cache(folder or Path(".cache") / "shiftloom")
