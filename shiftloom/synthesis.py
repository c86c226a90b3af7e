"""Synthesis of a build, unit by unit, out of context; the sum is the design's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from shiftloom.codegen import emit_rtl, emit_unit
from shiftloom.codegen.cost import Resources
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim import synth
from shiftloom.rtl_sim.cache import Cache

Progress = Callable[[int, int], None]
JOBS = 2
SHELL = "shell"
"""Name of what is around the units: input guard, output end, counters and registers."""


def synthesize_units(
    opened: OpenedBuild, cache: Cache, progress: Progress | None = None
) -> dict[str, Resources]:
    """Cells of every unit by name, in order, and of the shell, by Yosys for the 7 series.

    Each unit is synthesized alone with its memories, so nothing is optimised across units; runs
    are cached by the digest of their files.
    """
    design, rtl = opened.design, opened.folder / "rtl"
    work: dict[str, tuple[tuple[Path, ...], str]] = {}
    for instance in design.instances:
        files = tuple(rtl / name for name in emit_unit.unit_files(design, instance))
        work[instance.name] = (files, emit_unit.unit_module(design, instance))
    work[SHELL] = (
        tuple(rtl / name for name in emit_rtl.shell_files(design)),
        emit_rtl.shell_module(design),
    )
    results: dict[str, Resources] = {}
    with ThreadPoolExecutor(JOBS) as pool:
        runs = {
            pool.submit(synth.synthesize, files, top, cache=cache): name
            for name, (files, top) in work.items()
        }
        for run in as_completed(runs):
            cells = run.result()
            results[runs[run]] = Resources(cells.lut, cells.ff, cells.dsp, cells.bram36)
            if progress:
                progress(len(results), len(work))
    return {name: results[name] for name in work}
