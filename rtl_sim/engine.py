"""The batch engine: whole test sets through a compiled top, one process a core.

`run` streams frames through the RTL and returns its output bytes with the cycle at which each
frame began and ended; `measure` turns that into latency and interval; `trace` records internal
streams, `activity` counts toggles. Cycle 0 is the first clock edge with the reset released. Each
process simulates one unbroken stream of frames, from a reset of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from operator import or_
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.quality_registers import quality_offset
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.compile import Probe, SimTop, compile_top, probe_bytes
from shiftloom.rtl_sim.memory import MemoryModel, PortCounters, SimMemory, together
from shiftloom.rtl_sim.parts import Outcome, Part, Report, launch

__all__ = [
    "MemoryModel",
    "PortCounters",
    "Probe",
    "RunResult",
    "SimMemory",
    "SimTop",
    "SimulationError",
    "Stall",
    "Timing",
    "Trace",
    "activity",
    "interval",
    "latency",
    "measure",
    "run",
    "trace",
]

Progress = Callable[[int, int], None]
Quality = Sequence[int]
"""How many digits each unit keeps, in the order of their registers; None: all."""


class SimulationError(ShiftloomError):
    """The RTL broke a rule of its streams or buses: a deadlock, a changed beat, a wrong TLAST."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Seeded random stalls: the probability of an idle input and of a blocked output clock."""

    seed: int
    idle: float = 0.5
    backpressure: float = 0.5

    def __post_init__(self) -> None:
        """A probability of 1 would stall for ever."""
        for name, value in (("idle", self.idle), ("backpressure", self.backpressure)):
            if not 0 <= value < 1:
                raise ShiftloomError("stall", f"{name} = {value}", "use 0 or more, below 1")


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """What `run` returns, frame by frame.

    outputs: bytes, [frames, out_beats, out_bytes]; first_in and last_out: the cycle of each
    frame's first accepted input beat and last output beat, [frames], counted from the reset of
    the part the frame is in; starts: the first frame of each part; cycles: clocks simulated.
    ports: what went over each master, in all parts together; errors: the register ERRORS at the
    end of any part, both of tops with external memory.
    """

    outputs: NDArray[np.uint8]
    first_in: NDArray[np.int64]
    last_out: NDArray[np.int64]
    starts: tuple[int, ...]
    cycles: int
    ports: tuple[PortCounters, ...] = ()
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Timing:
    """Clocks from a frame's first input beat to its last output beat, and between frames."""

    latency: int
    interval: float


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The handshakes of one internal stream: their cycles [beats], their bytes [beats, bytes].

    `offered`: at the end a further beat waited, so what reads the stream holds it up.
    """

    cycles: NDArray[np.int64]
    data: NDArray[np.uint8]
    offered: bool


def run(
    top: SimTop,
    frames: NDArray[np.uint8],
    *,
    cache: Cache,
    jobs: int = 2,
    stall: Stall | None = None,
    single_stream: bool = False,
    max_idle: int | None = None,
    progress: Progress | None = None,
    memory: MemoryModel | None = None,
    quality: Quality | None = None,
) -> RunResult:
    """Simulate `frames`, uint8 [frames, in_beats * in_bytes], beat after beat, low byte first.

    The frames are split into `jobs` parts, each in a process. `single_stream` keeps one frame in
    flight: the next one enters only after the last output beat of the one before. `progress` is
    called with (frames done, frames in all). Raises SimulationError where the RTL breaks a rule
    of its streams, a deadlock being `max_idle` clocks without a handshake at either end (None: the
    patience of `top`).

    `memory` says how the external memory behaves, of a top that has one. Each part begins with a
    memory of its own. `quality` is written to the registers of a top that has such units.
    """
    _check_frames(top, frames)
    if memory is not None and top.memory is None:
        raise ShiftloomError(top.name, "has no external memory", "leave `memory` out")
    library = compile_top(top, cache)
    bounds = np.linspace(0, len(frames), min(jobs, len(frames)) + 1).astype(int)
    whole = _part(top, len(frames), max_idle, quality, stall, single_stream, memory)
    parts = tuple(
        replace(whole, first=int(first), count=int(last - first))
        for first, last in pairwise(bounds)
    )
    with tempfile.TemporaryDirectory(prefix="shiftloom-sim-") as name:
        folder = Path(name)
        frames.tofile(folder / "frames")
        reports = launch(top, library, folder, parts, progress)
        for index, report in reports.items():
            _check_outcome(top, parts[index], report)
        used = [report.memory for report in reports.values() if report.memory is not None]
        return RunResult(
            outputs=_bytes(folder / "outputs", top.out_beats, top.out_bytes),
            first_in=_cycles(folder / "first_in"),
            last_out=_cycles(folder / "last_out"),
            starts=tuple(part.first for part in parts),
            cycles=sum(report.cycles for report in reports.values()),
            ports=together(used),
            errors=reduce(or_, (report.errors for report in used), 0),
        )


def trace(
    top: SimTop,
    frames: NDArray[np.uint8],
    *,
    cache: Cache,
    max_idle: int | None = None,
    quality: Quality | None = None,
) -> dict[str, Trace]:
    """Every handshake on the streams in `top.probes` while `frames` (or one frame) runs.

    A design that deadlocks is traced up to there, and one with a wrong TLAST up to that beat, so
    the first stream that lacks beats shows the unit at fault.
    """
    frames = np.atleast_2d(frames)
    _check_frames(top, frames)
    if not top.probes:
        raise ShiftloomError(top.name, "nothing to trace", "name the streams in `probes`")
    library = compile_top(top, cache, probed=True)
    part = _part(top, len(frames), max_idle, quality)
    with tempfile.TemporaryDirectory(prefix="shiftloom-trace-") as name:
        folder = Path(name)
        frames.tofile(folder / "frames")
        report = launch(top, library, folder, (part,), probed=True)[0]
        return {
            probe.name: Trace(
                _cycles(folder / f"probe{index}.cycles"),
                _bytes(folder / f"probe{index}.data", probe_bytes(probe)),
                report.offered[index],
            )
            for index, probe in enumerate(top.probes)
        }


def activity(
    top: SimTop,
    frames: NDArray[np.uint8],
    *,
    cache: Cache,
    max_idle: int | None = None,
    quality: Quality | None = None,
) -> str:
    """What Verilator's SAIF file says of a run of `frames`; its nets are named as by nets.hpp."""
    _check_frames(top, frames)
    library = compile_top(top, cache, counted=True)
    part = _part(top, len(frames), max_idle, quality)
    with tempfile.TemporaryDirectory(prefix="shiftloom-activity-") as name:
        folder = Path(name)
        frames.tofile(folder / "frames")
        _check_outcome(top, part, launch(top, library, folder, (part,), counted=True)[0])
        return (folder / "toggles0.saif").read_text(encoding="utf-8")


def measure(
    top: SimTop, frames: NDArray[np.uint8], *, cache: Cache, max_idle: int | None = None
) -> Timing:
    """Latency of the first of `frames` alone, and interval from a run of all, back to back."""
    alone = run(top, frames[:1], cache=cache, jobs=1, max_idle=max_idle)
    packed = run(top, frames, cache=cache, jobs=1, max_idle=max_idle)
    return Timing(latency(alone), interval(packed))


def latency(result: RunResult) -> int:
    """Clocks from a frame's first accepted input beat to its last output beat; the longest.

    Meant for frames that run alone: behind others, waiting for those ahead counts too. Even in a
    `single_stream` run a frame may wait for rows of the one before that no output needs.
    """
    return int((result.last_out - result.first_in).max())


def interval(result: RunResult) -> float:
    """Clocks a frame in the steady state: over half of the first part's frames, late ones.

    The last one is left out: where no frame follows, its end may come sooner.
    """
    end = (*result.starts[1:], len(result.last_out))[0]
    if end < 3:
        raise ShiftloomError("interval", f"{end} frames in a row", "run 3 or more with jobs=1")
    half, last = end // 2, end - 2
    return int(result.last_out[last] - result.last_out[last - half]) / half


def _part(
    top: SimTop,
    frames: int,
    max_idle: int | None,
    quality: Quality | None,
    stall: Stall | None = None,
    single_stream: bool = False,
    memory: MemoryModel | None = None,
) -> Part:
    """All frames as one part; raises ShiftloomError for a quality that the top cannot have."""
    stall = stall or Stall(0, 0.0, 0.0)
    digits = top.quality if quality is None else tuple(quality)
    if len(digits) != len(top.quality):
        problem = f"a quality of {len(digits)} units"
        raise ShiftloomError(top.name, problem, f"give {len(top.quality)} numbers")
    return Part(
        0,
        frames,
        max_idle=max_idle or top.patience,
        seed=stall.seed,
        idle=int(stall.idle * 2**32),
        backpressure=int(stall.backpressure * 2**32),
        single_stream=int(single_stream),
        memory=memory or MemoryModel(),
        writes=(*top.writes, *((quality_offset(i), k) for i, k in enumerate(digits))),
    )


def _check_frames(top: SimTop, frames: NDArray[np.uint8]) -> None:
    width = top.in_beats * top.in_bytes
    if frames.dtype != np.uint8 or frames.ndim != 2 or frames.shape[1] != width or not len(frames):
        given = f"frames are {frames.dtype} {list(frames.shape)}"
        raise ShiftloomError(top.name, given, f"give uint8 [1 or more, {width}]")


_BUS_PROBLEMS = {
    Outcome.MASTER_UNSTABLE: "what was offered changed before it was taken",
    Outcome.BAD_BURST: "no INCR burst of aligned 8-byte beats",
    Outcome.BOUNDARY: "a burst across 4 KiB",
    Outcome.OUTSIDE: "a burst outside of the memory",
    Outcome.BAD_WLAST: "wlast does not mark the last beat of a burst",
}


def _check_outcome(top: SimTop, part: Part, report: Report) -> None:
    """Raise what a part's report says went wrong, naming frame, beat and cycle."""
    if report.outcome == Outcome.DONE:
        return
    out_beats = report.out_beats - (report.outcome == Outcome.BAD_LAST)
    frame, beat = divmod(out_beats, top.out_beats)
    if report.outcome in _BUS_PROBLEMS and report.memory is not None:
        at = f"m{report.memory.port}_axi at {report.memory.fault:#x}"
        problem = f"{at}: {_BUS_PROBLEMS[report.outcome]}"
    else:
        problem = {
            Outcome.DEADLOCK: f"deadlock: no handshake for {part.max_idle} clocks",
            Outcome.UNSTABLE: "m_axis changed while tvalid waited for tready",
            Outcome.BAD_LAST: f"m_axis_tlast is {int(beat != top.out_beats - 1)}",
            Outcome.SURPLUS: "m_axis gives a beat that no frame has asked for",
            Outcome.NO_ANSWER: "a register cannot be written",
        }[report.outcome]
    if report.memory is not None and report.memory.errors:
        problem += f", ERRORS is {report.memory.errors:#x}"
    raise SimulationError(
        top.name,
        f"{problem}, at frame {part.first + frame}, output beat {beat}, cycle {report.cycles}, "
        f"after {report.in_beats} input beats",
        "`trace` shows how far each internal stream came",
    )


def _cycles(path: Path) -> NDArray[np.int64]:
    return np.fromfile(path, dtype=np.int64)


def _bytes(path: Path, *shape: int) -> NDArray[np.uint8]:
    return np.fromfile(path, dtype=np.uint8).reshape(-1, *shape)
