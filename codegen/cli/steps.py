"""What several commands do: read settings, quantize, build, simulate, synthesize."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from shiftloom import flow, opened, results, simulation, synthesis
from shiftloom.codegen import boards as board_list
from shiftloom.codegen import config as configuration
from shiftloom.codegen.cli.terminal import console, progress
from shiftloom.codegen.config import Config
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Frames
from shiftloom.codegen.pruning import prune as prune_graph
from shiftloom.codegen.quality import EXACT, Quality
from shiftloom.codegen.quantize import Quantized
from shiftloom.codegen.quantize import quantize as quantize_graph
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim.engine import Stall
from shiftloom.rtl_sim.memory import MemoryModel
from shiftloom.subject import Subject


def settings(
    subject: Subject, path: Path | None, board: str | None = None, fps: float | None = None
) -> Config:
    """A tuned network's settings, the file's over them, the command line's over both."""
    tuned = subject.tuned()
    base = tuned.settings if tuned else {}
    config = configuration.load(path, base) if path else configuration.parse(dict(base))
    target = config.target
    if board is not None:
        target = replace(target, board=board)
    if fps is not None:
        if not 0 < fps < float("inf"):
            raise ShiftloomError("--target-fps", f"{fps:g}", "give a positive rate")
        target = replace(target, fps=fps)
    board_list.get(target.board)
    return replace(config, target=target)


def plain_settings(path: Path | None, board: str | None, fps: float | None) -> dict[str, Any]:
    """What `settings` accepts as plain data: the file's settings, the command line's over them."""
    data = configuration.read(path) if path else {}
    given = {key: value for key, value in (("board", board), ("fps", fps)) if value is not None}
    return {**data, "target": {**data.get("target", {}), **given}} if given else data


def quantize(subject: Subject, calibration: Path | None, settings: Config) -> Quantized:
    """The subject pruned and quantized; a tuned network as it was tuned."""
    with console.status("Quantizing"):
        graph, tuned = subject.graph(), subject.tuned()
        if tuned is not None:
            tuned.check(graph.name, settings)
            return quantize_graph(graph, None, settings, tuned.fitted)
        graph = prune_graph(graph, settings)
        return quantize_graph(graph, subject.calibration(graph, calibration), settings)


def build(quantized: Quantized, settings: Config, folder: Path) -> OpenedBuild:
    """Generate the accelerator into `folder`, and open it."""
    with console.status("Scheduling and generating"):
        flow.build(quantized, settings, folder)
        return opened.open_build(folder)


def simulate(
    target: OpenedBuild,
    backend: str,
    frames: Frames,
    labels: flow.Labels | None,
    cache: Path | None,
    stall: Stall | None = None,
    first: int = 0,
    memory: MemoryModel | None = None,
    quality: Quality = EXACT,
) -> list[simulation.Simulation]:
    """Run the frames through the backends, `rtl`, `hls` or `both`.

    The results are kept, but those of a reduced quality or of loaded weights.
    """
    runs, compiled = [], simulation.default_cache(cache)
    if backend in ("hls", "both"):
        with progress("HLS C++ (g++)") as advance:
            runs.append(simulation.simulate_hls(target, frames, labels, compiled, advance, quality))
    if backend in ("rtl", "both"):
        with progress("RTL (Verilator)") as advance:
            runs.append(
                simulation.simulate_rtl(
                    target, frames, labels, compiled, advance, stall, first, memory, quality
                )
            )
    if not quality and target.weights is None:
        for run in runs:
            results.save_simulation(target, run)
    return runs


def synthesize(target: OpenedBuild, cache: Path | None) -> None:
    """Synthesize every unit with Yosys; the results are kept."""
    compiled = simulation.default_cache(cache)
    with progress("Synthesis (Yosys)") as advance:
        results.save_synthesis(target, synthesis.synthesize_units(target, compiled, advance))


def fail_on_mismatch(runs: list[simulation.Simulation]) -> None:
    """Exit with 1 where an output integer was wrong, and say which was first."""
    wrong = [run for run in runs if run.mismatches]
    fail(f"{run.backend}: {run.mismatches} wrong outputs. {run.first}" for run in wrong)


def fail(messages: Iterable[str]) -> None:
    """Exit with 1 after these messages, go on where there is none."""
    texts = tuple(messages)
    for text in texts:
        typer.echo(text, err=True)
    if texts:
        raise typer.Exit(1)
