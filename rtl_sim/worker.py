"""Simulates one part of a batch in a process of its own: `python -I worker.py part.json`.

It is run by its path and uses the standard library only, so it starts in a few milliseconds. The
frames and the results are files that the caller has laid out; the outcome goes into the file
`report` and is the exit code, 0 for done. A model that aborts takes this process with it, not the
caller.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import sys
from pathlib import Path
from typing import Any

_U64P = ctypes.POINTER(ctypes.c_uint64)


class Job(ctypes.Structure):
    """The same layout as `Job` in harness.cpp.j2."""

    _fields_ = (
        ("frames", ctypes.c_void_p),
        ("outputs", ctypes.c_void_p),
        ("first_in", ctypes.c_void_p),
        ("last_out", ctypes.c_void_p),
        ("done", ctypes.c_void_p),
        ("count", ctypes.c_uint64),
        ("max_idle", ctypes.c_uint64),
        ("seed", ctypes.c_uint64),
        ("idle", ctypes.c_uint32),
        ("backpressure", ctypes.c_uint32),
        ("single_stream", ctypes.c_uint32),
    )


class Report(ctypes.Structure):
    """The same layout as `Report` in harness.cpp.j2."""

    _fields_ = (
        ("outcome", ctypes.c_int32),
        ("cycles", ctypes.c_uint64),
        ("in_beats", ctypes.c_uint64),
        ("out_beats", ctypes.c_uint64),
    )


class Write(ctypes.Structure):
    """The same layout as `Write` in harness.cpp.j2."""

    _fields_ = (("offset", ctypes.c_uint32), ("word", ctypes.c_uint32))


class MemoryJob(ctypes.Structure):
    """The same layout as `MemoryJob` in memory_model.hpp."""

    _fields_ = (
        ("image", ctypes.c_char_p),
        ("image_bytes", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("base", ctypes.c_uint64),
        ("error", ctypes.c_uint64),
        ("low", ctypes.c_uint64),
        ("high", ctypes.c_uint64),
        ("seed", ctypes.c_uint64),
        ("stall", ctypes.c_uint32),
        ("bandwidth", ctypes.c_uint32),
    )


def _memory_report(ports: int) -> ctypes.Structure:
    """An empty `MemoryReport` of harness.cpp.j2, whose length depends on the number of ports."""
    counters = ctypes.c_uint64 * 4 * ports
    layout = (
        *(("ports", counters), ("fault", ctypes.c_uint64)),
        *(("port", ctypes.c_uint32), ("errors", ctypes.c_uint32)),
    )
    kind = type("MemoryReport", (ctypes.Structure,), {"_fields_": layout})
    report: ctypes.Structure = kind()
    return report


def _give_memory(library: ctypes.CDLL, memory: dict[str, Any]) -> MemoryJob:
    """Tell the harness of the memory; the result must be kept until the run begins."""
    image = Path(memory["image"]).read_bytes()
    job = MemoryJob(image=image, image_bytes=len(image), **memory["job"])
    library.shiftloom_memory(ctypes.byref(job))
    return job


def _used_memory(library: ctypes.CDLL, memory: dict[str, Any]) -> dict[str, Any]:
    """What the run made of the memory."""
    report: Any = _memory_report(memory["ports"])
    library.shiftloom_memory_report(ctypes.byref(report))
    ports = [list(port) for port in report.ports]
    return {"ports": ports, "errors": report.errors, "port": report.port, "fault": report.fault}


def _mapped(path: str) -> tuple[ctypes.c_char, mmap.mmap]:
    """A file's bytes as ctypes memory, shared with the processes that map it too."""
    with Path(path).open("r+b") as handle:
        view = mmap.mmap(handle.fileno(), 0)
    return ctypes.c_char.from_buffer(view), view


def simulate(part: dict[str, Any]) -> dict[str, Any]:
    """Run the frames `part` names; see engine.py for its keys."""
    library = ctypes.CDLL(part["library"])
    job, maps = Job(), []
    for field in ("frames", "outputs", "first_in", "last_out", "done"):
        path, offset = part[field]
        start, view = _mapped(path)
        maps.append((start, view))
        setattr(job, field, ctypes.addressof(start) + offset)
    for field in ("count", "max_idle", "seed", "idle", "backpressure", "single_stream"):
        setattr(job, field, part[field])
    writes = [Write(*pair) for pair in part["writes"]]
    library.shiftloom_writes((Write * len(writes))(*writes), ctypes.c_uint64(len(writes)))
    if part["toggles"] is not None:
        library.shiftloom_count_to(part["toggles"].encode())
    memory = part["memory"]
    kept = None if memory is None else _give_memory(library, memory)
    report = Report()
    library.shiftloom_run(ctypes.byref(job), ctypes.byref(report))
    offered = [
        _save_probe(library, index, Path(cycles), Path(data), size)
        for index, (cycles, data, size) in enumerate(part["probes"])
    ]
    used = None if kept is None else _used_memory(library, memory)
    counts = {name: getattr(report, name) for name, _ in Report._fields_}
    return {**counts, "offered": offered, "memory": used}


def _save_probe(library: ctypes.CDLL, index: int, cycles: Path, data: Path, size: int) -> bool:
    """Write what a probe recorded, cycles as 64-bit numbers and beats as bytes.

    Returns whether the stream still offered a beat at the end.
    """
    library.shiftloom_probe_beats.restype = ctypes.c_uint64
    library.shiftloom_probe_cycles.restype = ctypes.c_void_p
    library.shiftloom_probe_data.restype = ctypes.c_void_p
    probe = ctypes.c_size_t(index)
    beats = library.shiftloom_probe_beats(probe)
    first, low = library.shiftloom_probe_cycles(probe), library.shiftloom_probe_data(probe)
    cycles.write_bytes(ctypes.string_at(first, beats * 8) if beats else b"")
    data.write_bytes(ctypes.string_at(low, beats * size) if beats else b"")
    return bool(library.shiftloom_probe_offered(probe))


if __name__ == "__main__":
    _part = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    _report = simulate(_part)
    Path(_part["report"]).write_text(json.dumps(_report), encoding="utf-8")
    sys.exit(_report["outcome"])
