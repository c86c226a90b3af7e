"""Runs the parts of a batch, each in a process of its own, over files laid out in one folder.

Processes are started fresh, never forked from this one, and are gone when `launch` returns or
raises. What they share is memory-mapped: the frames, the results and a count of frames done.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import IntEnum
from itertools import takewhile
from pathlib import Path

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import worker
from shiftloom.rtl_sim.compile import SimTop, probe_bytes
from shiftloom.rtl_sim.memory import MemoryModel, MemoryReport, PortCounters

_POLL_SECONDS = 0.05


class Outcome(IntEnum):
    """How a part ended; the same numbers as `Outcome` in harness.cpp.j2."""

    DONE = 0
    DEADLOCK = 1
    UNSTABLE = 2
    BAD_LAST = 3
    SURPLUS = 4
    MASTER_UNSTABLE = 5
    BAD_BURST = 6
    BOUNDARY = 7
    OUTSIDE = 8
    BAD_WLAST = 9
    NO_ANSWER = 10


@dataclass(frozen=True, slots=True)
class Part:
    """A run of consecutive frames for one process; the fields after `count` are the harness's.

    `memory` is used by tops that have one; `writes` are byte offsets of registers and
    their words, written one by one before the first frame.
    """

    first: int
    count: int
    max_idle: int
    seed: int
    idle: int
    backpressure: int
    single_stream: int
    memory: MemoryModel
    writes: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """How a part ended, at which cycle, after how many beats in and out.

    `offered` says for each probe whether it still had a beat waiting.
    """

    outcome: Outcome
    cycles: int
    in_beats: int
    out_beats: int
    offered: tuple[bool, ...]
    memory: MemoryReport | None


def launch(
    top: SimTop,
    library: Path,
    folder: Path,
    parts: Sequence[Part],
    progress: Callable[[int, int], None] | None = None,
    *,
    probed: bool = False,
    counted: bool = False,
) -> dict[int, Report]:
    """Simulate `parts` of the frames in `folder/frames`; results go to files beside it.

    They are `outputs` (bytes), `first_in` and `last_out` (64-bit cycles), and with `probed`
    `probe<i>.cycles` and `probe<i>.data`, with `counted` of each part `toggles<i>.saif`. Returns
    the report of every part by its index, or that of the first one that failed alone. A process
    that crashes is an error with its message.
    """
    total = sum(part.count for part in parts)
    sizes = {"outputs": top.out_beats * top.out_bytes * total, "done": 8 * len(parts)}
    for name, size in {**sizes, "first_in": 8 * total, "last_out": 8 * total}.items():
        with (folder / name).open("wb") as handle:
            handle.truncate(size)
    for index, part in enumerate(parts):
        description = _describe(top, library, folder, index, part, probed)
        description["toggles"] = str(folder / f"toggles{index}.saif") if counted else None
        (folder / f"part{index}.json").write_text(json.dumps(description), encoding="utf-8")
    processes = [_start(folder, index) for index in range(len(parts))]
    try:
        failed = _wait(processes, folder, total, progress)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    ended = range(len(parts)) if failed is None else (failed,)
    return {index: _report(top, folder, index) for index in ended}


def _describe(
    top: SimTop, library: Path, folder: Path, index: int, part: Part, probed: bool
) -> dict[str, object]:
    """What worker.py reads: files with byte offsets, and the harness's options."""
    files = {
        "frames": ("frames", part.first * top.in_beats * top.in_bytes),
        "outputs": ("outputs", part.first * top.out_beats * top.out_bytes),
        "first_in": ("first_in", part.first * 8),
        "last_out": ("last_out", part.first * 8),
        "done": ("done", index * 8),
    }
    probes = [
        (str(folder / f"probe{i}.cycles"), str(folder / f"probe{i}.data"), probe_bytes(probe))
        for i, probe in enumerate(top.probes if probed else ())
    ]
    return {
        **asdict(part),
        "seed": part.seed + part.first,
        **{key: (str(folder / name), offset) for key, (name, offset) in files.items()},
        "memory": _describe_memory(top, part),
        "writes": part.writes,
        "library": str(library.resolve()),
        "probes": probes,
        "report": str(folder / f"report{index}.json"),
    }


def _describe_memory(top: SimTop, part: Part) -> dict[str, object] | None:
    """The memory's image and numbers; each part stalls by a seed of its own."""
    if top.memory is None:
        return None
    job = part.memory.job(top.memory)
    job["seed"] += part.first
    return {"image": str(top.memory.image.resolve()), "ports": top.memory.ports, "job": job}


def _start(folder: Path, index: int) -> subprocess.Popen[bytes]:
    with (folder / f"log{index}").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-I", worker.__file__, str(folder / f"part{index}.json")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _wait(
    processes: Sequence[subprocess.Popen[bytes]],
    folder: Path,
    total: int,
    progress: Callable[[int, int], None] | None,
) -> int | None:
    """Wait for all, showing progress; returns the index of the first part that failed, or None.

    A failure ends the wait once all parts before it have ended, so which one is named does not
    depend on their speed.
    """
    done = np.memmap(folder / "done", dtype=np.uint64, mode="r")
    shown = -1
    while True:
        states = [process.poll() for process in processes]
        count = int(done.sum())
        if progress is not None and count != shown:
            progress(count, total)
            shown = count
        ended = takewhile(lambda state: state is not None, states)
        failed = next((index for index, state in enumerate(ended) if state), None)
        if failed is not None or None not in states:
            return failed
        with suppress(subprocess.TimeoutExpired):
            processes[states.index(None)].wait(_POLL_SECONDS)


def _report(top: SimTop, folder: Path, index: int) -> Report:
    """Read a part's report; without one its process has crashed."""
    path = folder / f"report{index}.json"
    if not path.exists():
        log = (folder / f"log{index}").read_text(encoding="utf-8", errors="replace").strip()
        last = log.splitlines()[-1] if log else "no message"
        raise ShiftloomError(top.name, f"the simulation crashed: {last}")
    values = json.loads(path.read_text(encoding="utf-8"))
    values |= {"outcome": Outcome(values["outcome"]), "offered": tuple(values["offered"])}
    if (memory := values["memory"]) is not None:
        memory["ports"] = tuple(PortCounters(*port) for port in memory["ports"])
        values["memory"] = MemoryReport(**memory)
    return Report(**values)
