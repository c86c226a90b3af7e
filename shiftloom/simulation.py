"""Whole test sets through the generated HLS C++ and RTL, every output integer compared."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shiftloom import flow
from shiftloom.beats import Bytes, decode, encode
from shiftloom.codegen import golden
from shiftloom.codegen.graph import Frames, IntFrames
from shiftloom.codegen.qgraph import QGraph
from shiftloom.codegen.quality import EXACT, Quality, of_units, reduced
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim import engine, locate
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import Stall
from shiftloom.rtl_sim.hls_engine import HlsEngine
from shiftloom.rtl_sim.memory import MemoryModel

Progress = Callable[[int, int], None]
BEAT_BYTES = 8
"""Bytes a beat of a port to external memory."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """One backend over `images` frames; clocks are 0 for HLS C++, which has none.

    `mismatches` counts output integers unlike the golden model's; `first` describes the first of
    them by layer, coordinate and cycle. `latency` counts clocks from the first input beat to the
    last output beat of a lone frame, both included. `dram_bytes` counts what moves a frame over the
    ports to external memory, of a design that has any.
    """

    backend: str
    images: int
    mismatches: int
    accuracy: float | None
    interval: float = 0
    latency: int = 0
    first: str = ""
    dram_bytes: float = 0


def simulate_hls(
    opened: OpenedBuild,
    frames: Frames,
    labels: npt.NDArray[np.uint8] | None,
    cache: Cache,
    progress: Progress | None = None,
    quality: Quality = EXACT,
) -> Simulation:
    """Compile the HLS C++ with g++ and run every frame through it, at some quality."""
    qgraph = reduced(opened.qgraph, quality)
    source, sink = opened.design.source, opened.design.sink
    hls = HlsEngine(
        opened.design.name,
        opened.folder / "hls",
        source.width,
        source.beats,
        sink.width,
        sink.beats,
        cache,
        image=opened.memory_image(),
        quality=of_units(opened.design.quality, quality),
    )
    given = encode(qgraph, frames)
    raw = hls.run_bytes(given, progress).reshape(len(given), sink.beats, -1)
    got = decode(qgraph, raw)
    wrong = got != golden.run(qgraph, frames)
    accuracy = None if labels is None else flow.share_right(qgraph, got, labels)
    return Simulation("hls", len(given), int(wrong.sum()), accuracy)


def simulate_rtl(
    opened: OpenedBuild,
    frames: Frames,
    labels: npt.NDArray[np.uint8] | None,
    cache: Cache,
    progress: Progress | None = None,
    stall: Stall | None = None,
    first_image: int = 0,
    memory: MemoryModel | None = None,
    quality: Quality = EXACT,
) -> Simulation:
    """Compile the RTL with Verilator and stream every frame through it, back to back.

    The first mismatch is traced to its layer, and a reproducer is written to the results folder;
    `first_image` is the number of frames[0] in its test set. Under stalls no interval is measured.
    `memory` says how the external memory behaves, of a design that has any. `quality` is written to
    the registers of the units, and the golden model takes the same.
    """
    qgraph, top = reduced(opened.qgraph, quality), opened.sim_top()
    given, digits = encode(qgraph, frames), of_units(opened.design.quality, quality)
    result = engine.run(
        top, given, cache=cache, progress=progress, stall=stall, memory=memory, quality=digits
    )
    got = decode(qgraph, result.outputs)
    wrong = got != golden.run(qgraph, frames)
    first = ""
    if wrong.any():
        index = int(np.flatnonzero(wrong.any(axis=1))[0])
        frame = _one(qgraph, frames, index)
        first = _explain(opened, frame, first_image + index, cache, quality)
    timing = (0.0, 0) if stall else _timing(top, given, result, cache, memory)
    mismatches = int(wrong.sum())
    accuracy = None if labels is None else flow.share_right(qgraph, got, labels)
    beats = sum(port.read_beats + port.written_beats for port in result.ports)
    moved = beats * BEAT_BYTES / len(given)
    return Simulation("rtl", len(given), mismatches, accuracy, *timing, first, moved)


def _timing(
    top: engine.SimTop,
    given: Bytes,
    result: engine.RunResult,
    cache: Cache,
    memory: MemoryModel | None,
) -> tuple[float, int]:
    alone = engine.run(top, given[:1], cache=cache, jobs=1, memory=memory)
    latency = engine.latency(alone) + 1
    few = result.starts[1] if len(result.starts) > 1 else len(result.last_out)
    return (engine.interval(result) if few >= 3 else 0.0), latency


def _explain(
    opened: OpenedBuild,
    frame: Mapping[str, IntFrames],
    image: int,
    cache: Cache,
    quality: Quality,
) -> str:
    """Trace the first wrong frame alone, name its first wrong number, and keep a reproducer."""
    streams = tuple(
        locate.Stream(s.name, s.tensor, s.shape, s.elements, s.bits, s.signed)
        for s in opened.probed()
    )
    tensors = golden.trace(reduced(opened.qgraph, quality), frame)
    expected = {s.probe: tensors[s.node][0].reshape(s.shape) for s in streams}
    given = encode(opened.qgraph, frame)
    digits = of_units(opened.design.quality, quality)
    traces = engine.trace(opened.sim_top(), given[0], cache=cache, quality=digits)
    mismatch = locate.first_mismatch(traces, streams, expected)
    if mismatch is None:
        return f"image {image}: wrong in the stream of frames, right alone"
    stream = next(s for s in streams if s.probe == mismatch.probe)
    got = locate.unpack(traces[mismatch.probe].data, stream.elements, stream.bits, stream.signed)
    locate.write_reproducer(
        opened.results / "mismatch",
        mismatch,
        frame,
        expected[mismatch.probe],
        got,
        _command(opened, image, quality),
    )
    return f"image {image}, {mismatch}"


def _command(opened: OpenedBuild, image: int, quality: Quality) -> str:
    """The command that runs one image through the RTL of a build, with its weights and quality."""
    words = ["shiftloom", "simulate", str(opened.folder), "--backend", "rtl"]
    words += ["--first", str(image), "--images", "1"]
    words += ["--weights", str(opened.weights)] if opened.weights else []
    for node, k in quality.items():
        words += ["--quality", f"{node}={k}"]
    return shlex.join(words)


def _one(qgraph: QGraph, frames: Frames, index: int) -> dict[str, IntFrames]:
    """One frame of every input."""
    inputs = golden.check_inputs(qgraph, frames)
    return {name: x[index : index + 1] for name, x in inputs.items()}


def default_cache(folder: Path | None = None) -> Cache:
    """The cache of compiled simulations and synthesis runs, `.cache` in the working folder."""
    return Cache(folder or Path(".cache") / "shiftloom")
